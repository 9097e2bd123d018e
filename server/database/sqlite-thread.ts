/** This side of the thread in which SQLite runs: statements go out, answers come back as promises. */
import { Worker } from 'node:worker_threads'
import type { WeftError } from '../../shared/errors.ts'
import { threadUrl } from '../base/thread-url.ts'
import { toDatabaseError, type SqlError } from './sql-error.ts'

export type ToThread =
  | {
      readonly kind: 'run'
      readonly id: number
      readonly sql: string
      readonly parameters: readonly unknown[]
    }
  | { readonly kind: 'close' }

export type Answer = {
  readonly rows: readonly unknown[]
  /** Of statements that answer no rows. */
  readonly changes: number | undefined
}

export type Failure = {
  readonly code: string
  readonly message: string
  /** The file is gone (a failed sync, say): nothing that is read or written later can be trusted. */
  readonly broken: boolean
}

export type FromThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }

const KINDS: ReadonlySet<unknown> = new Set<FromThread['kind']>(['answer', 'failure'])

type Pending = {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: SqlError | WeftError) => void
}

export class SqliteThread {
  readonly #worker: Worker
  readonly #onBroken: (reason: string) => void
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #ended: string | undefined

  constructor(file: string, onBroken: (reason: string) => void) {
    this.#onBroken = onBroken
    this.#worker = new Worker(threadUrl(import.meta.url, './sqlite-worker'), {
      workerData: { file },
    })
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message))
    this.#worker.on('error', (error: Error) => this.#end(`its thread failed: ${error.message}`))
    this.#worker.on('exit', code => this.#end(`its thread ended with code ${code}`))
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Rejects with a {@link SqlError}, or with DEPENDENCY_UNAVAILABLE. */
  run(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    if (this.#ended !== undefined) return Promise.reject(toDatabaseError(undefined, this.#ended))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#tell({ kind: 'run', id, sql, parameters })
    })
  }

  /** Resolves when the file is closed. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    const ended = new Promise(resolve => this.#worker.once('exit', resolve))
    this.#tell({ kind: 'close' })
    await ended
  }

  /** Ends it as a crash would. */
  async killForTesting(): Promise<void> {
    await this.#worker.terminate()
  }

  #tell(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #onMessage(message: FromThread): void {
    // `node --watch` sends messages of its own through the ports of threads.
    if (!KINDS.has(message.kind)) return
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.kind === 'answer') return pending?.resolve(message.answer)
    const { code, message: sentence, broken } = message.failure
    pending?.reject(toDatabaseError(code, sentence))
    if (broken) this.#onBroken(`${code}: ${sentence}`)
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const { reject } of this.#pending.values()) reject(toDatabaseError(undefined, reason))
    this.#pending.clear()
  }
}
