import { useEffect } from 'react'
import { useDocumentStore } from './document-provider.tsx'
import type { Member, Presence } from './member.ts'
import { useSelfSource } from './use-members.ts'
import { useSelected } from './use-readable.ts'

/** Changes the given fields and leaves the others; `undefined` takes one back. */
export type SetPresence<P> = (patch: { readonly [Field in keyof P]?: P[Field] | undefined }) => void

const presenceOf = (self: Member | null) => self?.presence ?? {}

/**
 * What this window tells others on the nearest document, and the function that changes it (the
 * same one for as long as the document is open). `initial` is told once, where nothing was told.
 *
 * @example
 * const [presence, setPresence] = usePresence<{ tool: 'pen' | 'eraser' }>({ tool: 'pen' })
 */
export function usePresence<P extends object = Presence>(
  initial?: Partial<P>,
): readonly [presence: Partial<P>, setPresence: SetPresence<P>] {
  const { presence } = useDocumentStore()
  useEffect(() => {
    if (initial !== undefined) presence.setInitial({ ...initial })
    // oxlint-disable-next-line react/exhaustive-deps -- told once, whatever it is made of
  }, [presence])
  const told = useSelected(useSelfSource(), { select: presenceOf, onServer: null })
  return [told as Partial<P>, presence.set]
}
