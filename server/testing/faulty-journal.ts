/** A journal that has bad days when a test says so; the real one is underneath. */
import { WeftError } from '../../shared/errors.ts'
import type {
  Append,
  Creation,
  Journal,
  JournalHealth,
  ListQuery,
  SnapshotPut,
} from '../journal/journal.ts'
import type { DocumentName } from '../../shared/names.ts'

export class FaultyJournal implements Journal {
  readonly #journal: Journal
  /** How many of the next appends, and openings, fail. */
  failAppends = 0
  failOpens = 0
  /** How many of the next appends are stored, and say that they failed. */
  loseAnswers = 0
  /** Every call waits this long first. */
  delayMs = 0
  opens = 0
  appends = 0

  constructor(journal: Journal) {
    this.#journal = journal
  }

  async append(append: Append) {
    this.appends += 1
    await this.#wait()
    if (this.failAppends > 0) {
      this.failAppends -= 1
      throw new WeftError('JOURNAL_UNAVAILABLE', 'injected: the disk is away')
    }
    const stored = await this.#journal.append(append)
    if (this.loseAnswers === 0) return stored
    this.loseAnswers -= 1
    throw new WeftError('JOURNAL_UNAVAILABLE', 'injected: the answer was lost')
  }

  async open(name: DocumentName, create?: Creation) {
    this.opens += 1
    await this.#wait()
    if (this.failOpens > 0) {
      this.failOpens -= 1
      throw new WeftError('JOURNAL_UNAVAILABLE', 'injected: the disk cannot be read')
    }
    return this.#journal.open(name, create)
  }

  get writers() {
    return this.#journal.writers
  }

  head(name: DocumentName) {
    return this.#journal.head(name)
  }

  list(query: ListQuery) {
    return this.#journal.list(query)
  }

  entries(name: DocumentName, afterSeq: number, limit: number) {
    return this.#journal.entries(name, afterSeq, limit)
  }

  positions(names: readonly DocumentName[]) {
    return this.#journal.positions(names)
  }

  request(name: DocumentName, key: string) {
    return this.#journal.request(name, key)
  }

  putSnapshot(put: SnapshotPut) {
    return this.#journal.putSnapshot(put)
  }

  remove(name: DocumentName, by: string, at: number) {
    return this.#journal.remove(name, by, at)
  }

  inspect(name: DocumentName) {
    return this.#journal.inspect(name)
  }

  health(): JournalHealth {
    return this.#journal.health()
  }

  onBroken(listener: (reason: string) => void): void {
    this.#journal.onBroken(listener)
  }

  close() {
    return this.#journal.close()
  }

  async #wait(): Promise<void> {
    if (this.delayMs > 0) await new Promise(resolve => setTimeout(resolve, this.delayMs))
  }
}
