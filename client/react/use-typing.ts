import { useEffect, useMemo } from 'react'
import { useDocumentStore } from './document-provider.tsx'
import type { OwnPresence } from './own-presence.ts'
import type { Person } from './people.ts'
import { usePeople } from './use-people.ts'

/** Who pauses for longer is not typing. */
const PAUSE_MS = 3_000

export type Typing = {
  /** Others who are typing. */
  readonly people: readonly Person[]
  /** Call it on each input; the rest happens by itself. */
  readonly onInput: () => void
  /** Call it when the message is sent, or the field is left. */
  readonly stop: () => void
}

/** Who is typing on the nearest document, and telling others that oneself is. */
export function useTyping(): Typing {
  const { presence } = useDocumentStore()
  const people = useTypers()
  const signal = useMemo(() => createSignal(presence), [presence])
  useEffect(() => signal.stop, [signal])
  return useMemo(() => ({ people, ...signal }), [people, signal])
}

/** Others who are typing. */
export function useTypers(): readonly Person[] {
  return usePeople(typingOthers)
}

const typingOthers = (people: readonly Person[]) =>
  people.filter(({ isTyping, isSelf }) => isTyping && !isSelf)

function createSignal(presence: OwnPresence) {
  let pause: ReturnType<typeof setTimeout> | undefined
  const stop = () => {
    if (pause === undefined) return
    clearTimeout(pause)
    pause = undefined
    presence.set({ typing: undefined })
  }
  return {
    onInput() {
      clearTimeout(pause)
      pause = setTimeout(stop, PAUSE_MS)
      presence.set({ typing: true })
    },
    stop,
  }
}
