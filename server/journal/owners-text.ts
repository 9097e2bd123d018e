/**
 * Owners of client ids as text for a column. Apart from who claims them: the journal's thread has
 * no use for Yjs, and starts sooner without.
 */
import type { IdOwners } from './journal.ts'

/** The ids in the order of their claims, as text for a column: names once, then pairs. */
export function encodeOwners(owners: IdOwners): string {
  const names = [...new Set(owners.values())]
  const places = new Map(names.map((name, place) => [name, place]))
  return JSON.stringify([names, [...owners].flatMap(([id, name]) => [id, places.get(name)])])
}

/** The opposite of {@link encodeOwners}; the text has passed its check. */
export function decodeOwners(text: string): IdOwners {
  const [names, pairs] = JSON.parse(text) as [string[], number[]]
  const owners = new Map<number, string>()
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    owners.set(pairs[i] ?? 0, names[pairs[i + 1] ?? 0] ?? '')
  }
  return owners
}
