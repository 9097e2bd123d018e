/** Names of people whom this browser has met: grants know ids only. */
import type { Awareness } from 'y-protocols/awareness'
import { safeName } from '../../../shared/person.ts'

const KEY = 'weft known names'
const NAMES_MAX = 200

export type KnownNames = ReadonlyMap<string, string>

export function readNames(): KnownNames {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    if (!Array.isArray(stored)) return new Map()
    return new Map(stored.filter(isEntry).map(([id, name]) => [id, safeName(name)]))
  } catch {
    // Not ours, or no storage: ids are shown.
    return new Map()
  }
}

/** The name last heard counts; those not heard for longest are forgotten. */
export function rememberNames(heard: Iterable<readonly [id: string, name: string]>): void {
  const names = new Map(readNames())
  for (const [id, name] of heard) {
    names.delete(id)
    names.set(id, name)
  }
  try {
    localStorage.setItem(KEY, JSON.stringify([...names].slice(-NAMES_MAX)))
  } catch {
    // A full storage forgets names first.
  }
}

/** As people on a page call themselves: a help to find them, and no proof of who they are. */
export function namesHere(awareness: Awareness): readonly (readonly [id: string, name: string])[] {
  return [...awareness.getStates().values()].flatMap(state => {
    const { id, name } = (state['user'] ?? {}) as { readonly id?: unknown; readonly name?: unknown }
    return typeof id === 'string' && typeof name === 'string' ? [[id, name] as const] : []
  })
}

function isEntry(entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string'
}
