/** One IndexedDB database: opened when needed, opened again when lost, and never waited for too long. */
import { deleteDB, openDB, type IDBPDatabase, type IDBPTransaction } from 'idb'
import type { Cancel, Clock } from '../../../shared/clock.ts'
import { DATABASE_VERSION, upgrade, type Schema, type StoreName } from './database-schema.ts'
import { StorageError } from './storage-problem.ts'

export type DatabaseOptions = { readonly name: string; readonly clock: Clock }

export type Mode = 'readonly' | 'readwrite'
export type Transaction<M extends Mode = Mode> = IDBPTransaction<Schema, StoreName[], M>

/** A browser that has not opened it by then may never do so. */
const OPEN_TIMEOUT_MS = 2_000
const TRANSACTION_TIMEOUT_MS = 10_000
/** Whoever deletes the database gets this long before it is made anew. */
const LOST_PAUSE_MS = 100

const allStores: StoreName[] = ['copies', 'snapshots', 'rows', 'asides']

export class Database {
  readonly #options: DatabaseOptions
  readonly #lostListeners = new Set<() => void>()
  /** Kept while it hangs, so that trying again does not open it twice. */
  #opening: Promise<IDBPDatabase<Schema>> | undefined
  #isClosed = false

  constructor(options: DatabaseOptions) {
    this.#options = options
  }

  /** Rejects with a {@link StorageError} when the storage does not answer in time. */
  async run<M extends Mode, T>(
    mode: M,
    action: (transaction: Transaction<M>) => Promise<T>,
  ): Promise<T> {
    const transaction = await this.#begin(mode)
    return this.#inTime(perform(transaction, action), TRANSACTION_TIMEOUT_MS)
  }

  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener)
    return () => void this.#lostListeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#lostListeners.clear()
    const opening = this.#opening
    this.#opening = undefined
    if (opening === undefined) return
    // Not waited for: one that hangs would hang its caller too.
    opening.then(
      database => database.close(),
      () => {},
    )
  }

  async destroy(): Promise<void> {
    await this.close()
    // Other tabs let go when they are asked to; one that is frozen is not waited for, and the
    // browser finishes the deletion by itself.
    await this.#inTime(deleteDB(this.#options.name), OPEN_TIMEOUT_MS)
  }

  async #begin<M extends Mode>(mode: M): Promise<Transaction<M>> {
    const database = await this.#open()
    // Relaxed lets the browser answer before the disk does: half the time, and what a power cut
    // could take from this device within that moment is what the outbox sends to the server.
    const options = { durability: 'relaxed' } as const
    try {
      return database.transaction(allStores, mode, options)
    } catch (error) {
      // Closed under our hands, a moment ago: the next one is as good.
      if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error
      this.#opening = undefined
      return (await this.#open()).transaction(allStores, mode, options)
    }
  }

  #open(): Promise<IDBPDatabase<Schema>> {
    if (this.#isClosed) return Promise.reject(new StorageError('failed', 'the store is closed'))
    this.#opening ??= this.#openNow()
    return this.#inTime(this.#opening, OPEN_TIMEOUT_MS)
  }

  async #openNow(): Promise<IDBPDatabase<Schema>> {
    const lose = () => this.#lose()
    try {
      return await openDB<Schema>(this.#options.name, DATABASE_VERSION, {
        upgrade,
        blocking(_current, _blocked, event) {
          // Another tab deletes or upgrades the database: holding on would block it for ever.
          const target = event.target as IDBDatabase | null
          target?.close()
          lose()
        },
        terminated: lose,
      })
    } catch (error) {
      this.#opening = undefined
      throw new StorageError('unavailable', sentenceOf(error), error)
    }
  }

  #lose(): void {
    this.#opening = undefined
    if (this.#isClosed) return
    this.#options.clock.after(LOST_PAUSE_MS, () => {
      for (const listener of Array.from(this.#lostListeners)) listener()
    })
  }

  async #inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
    let cancel: Cancel = () => {}
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = this.#options.clock.after(timeoutMs, () =>
        reject(new StorageError('blocked', 'the storage of this browser does not answer')),
      )
    })
    try {
      return await Promise.race([work, timeout])
    } finally {
      cancel()
    }
  }
}

async function perform<M extends Mode, T>(
  transaction: Transaction<M>,
  action: (transaction: Transaction<M>) => Promise<T>,
): Promise<T> {
  // Told by the action as well, most of the time; it must not be a failure that nobody hears.
  transaction.done.catch(() => {})
  try {
    const result = await action(transaction)
    await transaction.done
    return result
  } catch (error) {
    abort(transaction)
    throw error
  }
}

/** The browser would commit what was done so far: rows deleted, and nothing in their place. */
function abort(transaction: Transaction): void {
  try {
    transaction.abort()
  } catch {
    // It has ended by itself, by the same failure.
  }
}

/** Requests of one transaction, all made at once; one that throws leaves none of them unheard. */
export function together<T extends readonly unknown[]>(
  ...requests: { readonly [K in keyof T]: () => Promise<T[K]> }
): Promise<T> {
  const all = requests as readonly (() => Promise<unknown>)[]
  return Promise.all(all.map(async request => request())) as Promise<unknown> as Promise<T>
}

function sentenceOf(error: unknown): string {
  const detail = error instanceof Error ? error.message : String(error)
  return `this browser gives the page no storage: ${detail}`
}
