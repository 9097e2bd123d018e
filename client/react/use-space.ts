import { useMemo } from 'react'
import { spaceDocument, spaceName } from '../../shared/system-names.ts'
import { useDocumentStore } from './document-provider.tsx'
import type { Presence, User } from './member.ts'
import { spaceOnServer, spaceStore, type SpaceSnapshot } from './space-store.ts'
import { useSelected, type IsEqual } from './use-readable.ts'

/**
 * Is present in a space while a component shows it, without opening a document of it. Renders when
 * somebody comes, goes or tells something, or when the part that `select` takes changes. Throws
 * NAME_INVALID for a bad name.
 *
 * @example
 * const { people, error } = useSpace('acme/plan-7')
 * return error === null ? <Faces of={people} /> : <p>{error.message}</p>
 * @example
 * const count = useSpace('acme/plan-7', space => space.people.length)
 */
export function useSpace<P = Presence, U = User>(name: string): SpaceSnapshot<P, U>
export function useSpace<Selection, P = Presence, U = User>(
  name: string,
  select: (space: SpaceSnapshot<P, U>) => Selection,
  isEqual?: IsEqual<Selection>,
): Selection
export function useSpace(
  name: string,
  select: (space: SpaceSnapshot) => unknown = whole,
  isEqual?: IsEqual<unknown>,
): unknown {
  const store = useDocumentStore(spaceDocument(spaceName(name)))
  const space = useMemo(() => spaceStore(store, name), [store, name])
  const onServer = useMemo(() => spaceOnServer(name), [name])
  return useSelected(space, { select, isEqual, onServer })
}

const whole = (space: SpaceSnapshot) => space
