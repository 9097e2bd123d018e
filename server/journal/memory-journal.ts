/** A journal that forgets with the process: for tests, and the model the others are held to. */
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import type {
  Append,
  Creation,
  DocumentHead,
  Entry,
  Inspection,
  Journal,
  JournalHealth,
  ListQuery,
  NewEntry,
  Position,
  Snapshot,
  SnapshotPut,
  StoredDocument,
} from './journal.ts'

type Life = {
  readonly name: DocumentName
  readonly incarnation: string
  readonly createdAt: number
  readonly createdBy: string
  deletedAt: number | null
  schema: number
  readonly entries: Entry[]
  /** By their keys. */
  readonly requests: Map<string, { readonly seq: number; readonly digest: string }>
  readonly snapshots: Snapshot[]
}

export class MemoryJournal implements Journal {
  readonly writers = 'exclusive'
  readonly afterCrash = false
  /** All lives of each name, the newest last. */
  readonly #lives = new Map<DocumentName, Life[]>()

  append({ name, incarnation, entries, schema, afterSeq }: Append): Promise<{ seq: number }> {
    const life = this.#living(name)
    if (life === undefined) return Promise.reject(this.#absence(name))
    if (life.incarnation !== incarnation) {
      const sentence = `${quoteName(name)} is ${life.incarnation} now, not ${incarnation}`
      return Promise.reject(new WeftError('INCARNATION_MISMATCH', sentence))
    }
    const refusal = refusalOf(entries.find(({ request }) => life.requests.has(request?.key ?? '')))
    if (refusal !== undefined) return Promise.reject(refusal)
    const last = life.entries.length
    if (afterSeq !== undefined && afterSeq !== last) {
      const sentence = `the last entry is ${last}, not ${afterSeq}`
      return Promise.reject(new WeftError('SEQ_CONFLICT', sentence))
    }
    if (schema !== undefined && schema.from !== life.schema) {
      const sentence = `the schema is at ${life.schema}, not ${schema.from}`
      return Promise.reject(new WeftError('SCHEMA_CONFLICT', sentence))
    }
    life.schema = schema?.to ?? life.schema
    for (const { request, ...entry } of entries) {
      const seq = life.entries.length + 1
      life.entries.push({ ...entry, update: Uint8Array.from(entry.update), seq })
      if (request !== undefined) life.requests.set(request.key, { seq, digest: request.digest })
    }
    return Promise.resolve({ seq: life.entries.length })
  }

  open(name: DocumentName, create?: Creation): Promise<StoredDocument | undefined> {
    const living = this.#living(name)
    if (living !== undefined) return Promise.resolve(stored(living))
    const lives = this.#lives.get(name) ?? []
    if (lives.length > 0 && create?.afterDeletion !== true) {
      return Promise.reject(this.#absence(name))
    }
    if (create === undefined) return Promise.resolve(undefined)
    const { incarnation, by, at } = create
    const born = { name, incarnation, createdAt: at, createdBy: by, deletedAt: null }
    const { seed, schema = 0 } = create
    const first =
      seed === undefined ? [] : [{ seq: 1, at, author: by, update: seed, handsOver: true }]
    const life: Life = { ...born, schema, entries: first, requests: new Map(), snapshots: [] }
    this.#lives.set(name, [...lives, life])
    return Promise.resolve(stored(life))
  }

  head(name: DocumentName): Promise<DocumentHead | undefined> {
    const life = this.#newest(name)
    return Promise.resolve(life === undefined ? undefined : headOf(life))
  }

  list({ prefix, after, limit }: ListQuery): Promise<readonly DocumentHead[]> {
    const names = [...this.#lives.keys()].filter(name => name.startsWith(prefix) && name > after)
    const living = names.sort().flatMap(name => this.#living(name) ?? [])
    return Promise.resolve(living.slice(0, limit).map(headOf))
  }

  entries(name: DocumentName, afterSeq: number, limit: number): Promise<readonly Entry[]> {
    const life = this.#newest(name)
    if (life === undefined) return Promise.reject(this.#absence(name))
    return Promise.resolve(life.entries.slice(afterSeq, afterSeq + limit))
  }

  positions(names: readonly DocumentName[]): Promise<readonly Position[]> {
    const living = names.flatMap(name => this.#living(name) ?? [])
    return Promise.resolve(
      living.map(({ name, incarnation, schema, entries }) => ({
        name,
        incarnation,
        seq: entries.length,
        schema,
      })),
    )
  }

  request(name: DocumentName, key: string) {
    return Promise.resolve(this.#living(name)?.requests.get(key))
  }

  putSnapshot({ name, incarnation, previousSeq, snapshot }: SnapshotPut) {
    const life = this.#living(name)
    const newest = life?.snapshots.at(-1)?.seq ?? 0
    const stale =
      life === undefined ||
      life.incarnation !== incarnation ||
      newest !== previousSeq ||
      snapshot.seq <= newest
    if (!stale) life.snapshots.push({ ...snapshot, state: Uint8Array.from(snapshot.state) })
    return Promise.resolve(stale ? ('stale' as const) : ('put' as const))
  }

  remove(name: DocumentName, _by: string, at: number): Promise<DocumentHead | undefined> {
    const life = this.#living(name)
    if (life !== undefined) life.deletedAt = at
    return Promise.resolve(life === undefined ? undefined : headOf(life))
  }

  inspect(name: DocumentName): Promise<Inspection | undefined> {
    const life = this.#newest(name)
    if (life === undefined) return Promise.resolve(undefined)
    const authors = Map.groupBy(life.entries, ({ author }) => author)
    return Promise.resolve({
      head: headOf(life),
      snapshots: life.snapshots
        .map(({ seq, at, state }) => ({ seq, at, bytes: state.byteLength, quarantined: false }))
        .toReversed(),
      entries: {
        count: life.entries.length,
        firstSeq: life.entries[0]?.seq ?? 0,
        bytes: bytesOf(life.entries),
      },
      authors: [...authors].map(([author, entries]) => ({
        author,
        entries: entries.length,
        lastAt: entries.at(-1)?.at ?? 0,
      })),
      damage: [],
      bypassed: [],
    })
  }

  health(): JournalHealth {
    return { state: { kind: 'ok' }, queuedEntries: 0, queuedBytes: 0 }
  }

  onBroken(): void {
    // Memory does not break.
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #newest(name: DocumentName): Life | undefined {
    return this.#lives.get(name)?.at(-1)
  }

  #living(name: DocumentName): Life | undefined {
    const life = this.#newest(name)
    return life?.deletedAt === null ? life : undefined
  }

  #absence(name: DocumentName): WeftError {
    return this.#newest(name) === undefined
      ? new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
      : new WeftError('DOCUMENT_DELETED', `${quoteName(name)} was deleted`)
  }
}

function refusalOf(repeated: NewEntry | undefined): WeftError | undefined {
  if (repeated?.request === undefined) return undefined
  return new WeftError('REQUEST_REPEATED', 'this request has been carried out')
}

function stored(life: Life): StoredDocument {
  const snapshot = life.snapshots.at(-1) ?? null
  return { head: headOf(life), snapshot, tail: life.entries.slice(snapshot?.seq ?? 0) }
}

function headOf(life: Life): DocumentHead {
  const { name, incarnation, createdAt, createdBy, deletedAt, schema, entries } = life
  const snapshot = life.snapshots.at(-1)
  return {
    name,
    incarnation,
    createdAt,
    createdBy,
    deletedAt,
    schema,
    seq: entries.length,
    updatedAt: entries.at(-1)?.at ?? createdAt,
    bytes: (snapshot?.state.byteLength ?? 0) + bytesOf(entries.slice(snapshot?.seq ?? 0)),
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { update }) => sum + update.byteLength, 0)
}
