/** A journal whose calls wait until a test lets them go: done, refused, or done without an answer. */
import { WeftError } from '../../shared/errors.ts'
import type { Append, Creation, Journal } from '../journal/journal.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import type { DocumentName } from '../../shared/names.ts'

export type Fate = 'done' | 'refused' | 'unanswered'

type Call = { readonly kind: 'append' | 'open'; readonly end: (fate: Fate) => Promise<void> }

export class HeldJournal {
  /** What is on the disk, read without waiting. */
  readonly stored = new MemoryJournal()
  readonly #calls: Call[] = []

  get waiting(): number {
    return this.#calls.length
  }

  /** Ends the oldest call. */
  async letGo(fate: Fate): Promise<void> {
    await this.#calls.shift()?.end(fate)
  }

  /** As the server sees it. */
  get journal(): Journal {
    const { stored } = this
    return {
      writers: stored.writers,
      append: (append: Append) => this.#hold('append', () => stored.append(append)),
      open: (name: DocumentName, create?: Creation) =>
        this.#hold('open', () => stored.open(name, create)),
      head: name => stored.head(name),
      list: query => stored.list(query),
      entries: (name, afterSeq, limit) => stored.entries(name, afterSeq, limit),
      positions: names => stored.positions(names),
      request: (name, key) => stored.request(name, key),
      putSnapshot: put => stored.putSnapshot(put),
      remove: (name, by, at) => stored.remove(name, by, at),
      inspect: name => stored.inspect(name),
      health: () => stored.health(),
      onBroken: () => {},
      close: () => Promise.resolve(),
    }
  }

  #hold<T>(kind: Call['kind'], act: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = async (fate: Fate) => {
        const error = new WeftError('JOURNAL_UNAVAILABLE', `injected: ${fate}`)
        if (fate === 'refused') return reject(error)
        const acting = act()
        const outcome = await acting.then(
          () => 'done',
          () => 'failed',
        )
        if (fate === 'unanswered' && outcome === 'done') reject(error)
        else resolve(acting)
      }
      this.#calls.push({ kind, end })
    })
  }
}
