/** This side of the journal's thread: questions go out, answers come back as promises. */
import { Worker } from 'node:worker_threads'
import { WeftError, type WireError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/names.ts'
import { threadUrl } from '../../base/thread-url.ts'
import type { Damage } from '../journal.ts'
import type { CallName, Calls, FromThread } from './thread-protocol.ts'

const KINDS: ReadonlySet<unknown> = new Set<FromThread['kind']>(['answer', 'failure', 'damage'])

type Pending = {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: WeftError) => void
}

export type JournalThreadListeners = {
  onDamage(name: DocumentName, damage: Damage): void
  /** The thread died or its store can no longer be trusted. Called at most once. */
  onBroken(reason: string): void
}

export class JournalThread {
  readonly #worker: Worker
  readonly #listeners: JournalThreadListeners
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #broken: string | undefined
  #closing = false

  constructor(dataDir: string, listeners: JournalThreadListeners) {
    this.#listeners = listeners
    this.#worker = new Worker(threadUrl(import.meta.url, './thread'), { workerData: { dataDir } })
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message))
    this.#worker.on('error', (error: Error) => this.#break(`its thread failed: ${error.message}`))
    this.#worker.on('exit', code => {
      if (!this.#closing) this.#break(`its thread ended with code ${code}`)
    })
  }

  ask<Name extends CallName>(call: Name, ask: Calls[Name]['ask']): Promise<Calls[Name]['answer']> {
    if (this.#broken !== undefined) return Promise.reject(brokenError(this.#broken))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const settle = resolve as (answer: unknown) => void
      this.#pending.set(id, { resolve: settle, reject })
      this.#worker.postMessage({ id, call, ask })
    })
  }

  async close(): Promise<void> {
    this.#closing = true
    if (this.#broken === undefined) await this.ask('close', null)
    this.#broken ??= 'it was closed'
    await this.#worker.terminate()
  }

  #onMessage(message: FromThread): void {
    // `node --watch` sends messages of its own through the ports of threads.
    if (!KINDS.has(message.kind)) return
    if (message.kind === 'damage') return this.#listeners.onDamage(message.name, message.damage)
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.kind === 'answer') return pending?.resolve(message.answer)
    const { broken, ...error } = message.failure
    pending?.reject(fromWire(error))
    if (broken) this.#break(error.message)
  }

  #break(reason: string): void {
    if (this.#broken !== undefined) return
    this.#broken = reason
    for (const { reject } of this.#pending.values()) reject(brokenError(reason))
    this.#pending.clear()
    this.#listeners.onBroken(reason)
  }
}

export function fromWire({ code, message, retryAfterMs }: WireError): WeftError {
  return new WeftError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs })
}

function brokenError(reason: string): WeftError {
  return new WeftError('JOURNAL_UNAVAILABLE', `the journal is broken: ${reason}`)
}
