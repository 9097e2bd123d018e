/** The store of the simulated server: a journal that outlives crashes, and a disk with bad days. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import { integerBetween, type Random } from '../../shared/random.ts'
import type { Append, Creation, Journal } from '../../server/journal/journal.ts'
import { MemoryJournal } from '../../server/journal/memory-journal.ts'
import type { EventLog } from './event-log.ts'
import type { Schedule, Scope } from './schedule.ts'

/** One life of a document, as the appended entries alone tell it. */
export type StoredLife = { readonly doc: Y.Doc; readonly tokens: Set<string> }

export type DiskFaults = {
  /** How many of the next appends are refused, and how many are stored without an answer. */
  failAppends: number
  loseAnswers: number
  failOpens: number
  /** Longest time of one call. */
  latencyMsMax: number
}

const CALM: DiskFaults = { failAppends: 0, loseAnswers: 0, failOpens: 0, latencyMsMax: 5 }

export class Disk {
  readonly journal = new MemoryJournal()
  /** By incarnation. */
  readonly lives = new Map<string, StoredLife>()
  /** Tokens that are on this disk, in whatever life of the document. */
  readonly durable = new Set<string>()
  faults: DiskFaults = { ...CALM }
  /** Appends whose caller has no answer yet. */
  inFlight = 0
  readonly #options: { schedule: Schedule; random: Random; log: EventLog; calm: string }

  /** Faults spare the document called `calm`. */
  constructor(options: { schedule: Schedule; random: Random; log: EventLog; calm: string }) {
    this.#options = options
  }

  heal(): void {
    this.faults = { ...CALM }
  }

  /** A server's view of this disk: calls of a server that died are not carried out, or not answered. */
  mount(scope: Scope): Journal {
    const { journal } = this
    return {
      writers: journal.writers,
      append: append => this.#append(append, scope),
      open: (name, create) => this.#open(name, { create, scope }),
      head: name => journal.head(name),
      list: query => journal.list(query),
      entries: (name, afterSeq, limit) => journal.entries(name, afterSeq, limit),
      positions: names => journal.positions(names),
      request: (name, key) => journal.request(name, key),
      putSnapshot: put =>
        this.#call(scope, this.#latency(put.name), () => journal.putSnapshot(put)),
      remove: (name, by, at) => journal.remove(name, by, at),
      inspect: name => journal.inspect(name),
      health: () => journal.health(),
      onBroken: () => {},
      close: () => Promise.resolve(),
    }
  }

  async #append(append: Append, scope: Scope): Promise<{ seq: number }> {
    const { log } = this.#options
    const { name, entries } = append
    const fate = this.#fate(name)
    const told = `append ${name} ${entries.length} entries: ${fate}`
    const stored = await this.#call(scope, this.#latency(name), async () => {
      log.add('disk', told)
      if (fate === 'refused') throw unavailable('refused')
      const answer = await this.journal.append(append)
      this.#note(append)
      return answer
    })
    if (fate === 'unanswered') throw unavailable('the answer was lost')
    return stored
  }

  #fate(name: DocumentName): 'ok' | 'refused' | 'unanswered' {
    const { faults } = this
    if (name === this.#options.calm) return 'ok'
    if (faults.loseAnswers > 0) {
      faults.loseAnswers -= 1
      return 'unanswered'
    }
    if (faults.failAppends === 0) return 'ok'
    faults.failAppends -= 1
    return 'refused'
  }

  async #open(
    name: DocumentName,
    { create, scope }: { create: Creation | undefined; scope: Scope },
  ) {
    const isRefused = name !== this.#options.calm && this.faults.failOpens > 0
    if (isRefused) this.faults.failOpens -= 1
    return this.#call(scope, this.#latency(name), () => {
      this.#options.log.add('disk', `open ${name}${isRefused ? ': refused' : ''}`)
      if (isRefused) throw unavailable('the disk cannot be read')
      return this.journal.open(name, create)
    })
  }

  /** The entries go into a document that knows nothing else: what a reader of the disk would find. */
  #note({ incarnation, entries }: Append): void {
    const life = this.lives.get(incarnation) ?? this.#newLife(incarnation)
    for (const { update } of entries) Y.applyUpdate(life.doc, update)
  }

  #newLife(incarnation: string): StoredLife {
    const doc = new Y.Doc()
    const life: StoredLife = { doc, tokens: new Set() }
    doc.getArray<string>('tokens').observe(({ changes }) => {
      for (const { insert } of changes.delta) {
        for (const token of (insert ?? []) as string[]) {
          life.tokens.add(token)
          this.durable.add(token)
        }
      }
    })
    this.lives.set(incarnation, life)
    return life
  }

  #latency(name: DocumentName): number {
    const max = name === this.#options.calm ? CALM.latencyMsMax : this.faults.latencyMsMax
    return integerBetween(this.#options.random, 0, max)
  }

  /** Half of the time passes before the disk acts, half before its answer is heard. */
  #call<T>(scope: Scope, latencyMs: number, act: () => Promise<T>): Promise<T> {
    const { schedule } = this.#options
    this.inFlight += 1
    const waiting = new Promise<T>((resolve, reject) => {
      schedule.after(scope, latencyMs / 2, () => {
        const acting = Promise.resolve().then(act)
        schedule.after(scope, latencyMs / 2, () => {
          this.inFlight -= 1
          acting.then(resolve, reject)
        })
        // Its rejection is heard when the answer is.
        acting.catch(() => {})
      })
    })
    return waiting
  }
}

function unavailable(why: string): WeftError {
  return new WeftError('JOURNAL_UNAVAILABLE', `injected: ${why}`)
}
