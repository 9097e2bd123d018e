/** Judges a history: what was acknowledged is stored, nothing is invented, all replicas agree. */
import * as Y from 'yjs'
import type { Writer } from './writer.ts'

export type Verdict = {
  readonly acknowledged: number
  readonly stored: number
  /** Tokens that a client was told are safe, and that are not in the store. Must be empty. */
  readonly lost: readonly string[]
  /** Tokens in the store that nobody wrote, or more than once. Must be empty. */
  readonly invented: readonly string[]
}

/** What somebody wrote, and was told is safe. */
export type Testimony = Pick<Writer, 'written' | 'acknowledged'>

/** Holds the writers of one document against what an independent reader found. */
export function judge(writers: readonly Testimony[], doc: Y.Doc | undefined): Verdict {
  const tokens = doc?.getArray<string>('tokens').toArray() ?? []
  const stored = new Set(tokens)
  const written = new Set(writers.flatMap(writer => writer.written))
  const acknowledged = writers.flatMap(writer => [...writer.acknowledged])
  const twice = [...Map.groupBy(tokens, token => token)]
    .filter(([, same]) => same.length > 1)
    .map(([token]) => token)
  return {
    acknowledged: acknowledged.length,
    stored: stored.size,
    lost: acknowledged.filter(token => !stored.has(token)),
    invented: [...tokens.filter(token => !written.has(token)), ...twice],
  }
}

/** What must be equal in all replicas, deletions included; pending parts count as a difference. */
export function fingerprint(doc: Y.Doc): string {
  const { pendingStructs, pendingDs } = doc.store
  const snapshot = Y.snapshot(doc)
  const deleted = [...snapshot.ds.clients]
    .map(([client, ranges]) => [client, ranges.map(({ clock, len }) => [clock, len])] as const)
    .sort(([a], [b]) => a - b)
  return JSON.stringify({
    text: doc.getText('text').toString(),
    tokens: doc.getArray('tokens').toJSON(),
    map: Object.entries(doc.getMap('map').toJSON()).sort(([a], [b]) => (a < b ? -1 : 1)),
    vector: [...snapshot.sv].sort(([a], [b]) => a - b),
    deleted,
    pending: pendingStructs !== null || pendingDs !== null,
  })
}
