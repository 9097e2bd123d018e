/** Reads from the journal what is there and not in the document: other nodes' entries, for the most. */
import type { DocumentHead, Entry, Journal } from '../journal/journal.ts'
import type { SeqCoverage } from './seq-coverage.ts'

export type CatchUpOptions = {
  readonly head: DocumentHead
  readonly journal: Journal
  readonly coverage: SeqCoverage
  /** Aborts when the document ends. */
  readonly signal: AbortSignal
  /** Puts entries that are not in the document into it, in order. */
  readonly onEntries: (entries: readonly Entry[]) => void
}

const PAGE = 500

export class CatchUp {
  readonly #options: CatchUpOptions
  #reading: Promise<void> | undefined
  #wanted = 0

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /**
   * Resolves when everything up to `seq` is in the document. Rejects when the journal cannot be read
   * now.
   */
  async to(seq: number): Promise<void> {
    this.#wanted = Math.max(this.#wanted, seq)
    if (this.#options.coverage.seq >= seq) return
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { journal, head, coverage, signal, onEntries } = this.#options
    while (coverage.seq < this.#wanted && !signal.aborted) {
      const page = await journal.entries(head.name, coverage.seq, PAGE)
      if (page.length === 0 || signal.aborted) break
      const missed = page.filter(({ seq }) => !coverage.has(seq))
      // In the document before it counts as being there.
      if (missed.length > 0) onEntries(missed)
      const [from, to] = [page[0]?.seq ?? 0, page.at(-1)?.seq ?? 0]
      coverage.add({ from, to })
    }
  }
}
