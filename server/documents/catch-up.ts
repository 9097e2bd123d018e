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
  #reading: Promise<readonly Entry[]> | undefined
  #wanted = 0

  constructor(options: CatchUpOptions) {
    this.#options = options
  }

  /**
   * Resolves when everything up to `seq` is in the document, with the entries that were read on the
   * way (by whomever). Rejects when the journal cannot be read now.
   */
  async to(seq: number): Promise<readonly Entry[]> {
    this.#wanted = Math.max(this.#wanted, seq)
    if (this.#options.coverage.seq >= seq) return []
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<readonly Entry[]> {
    const { journal, head, coverage, signal, onEntries } = this.#options
    const read: Entry[] = []
    while (coverage.seq < this.#wanted && !signal.aborted) {
      const page = await journal.entries(head.name, coverage.seq, PAGE)
      if (page.length === 0 || signal.aborted) break
      const missed = page.filter(({ seq }) => !coverage.has(seq))
      // In the document before it counts as being there.
      if (missed.length > 0) onEntries(missed)
      const [from, to] = [page[0]?.seq ?? 0, page.at(-1)?.seq ?? 0]
      coverage.add({ from, to })
      read.push(...page)
    }
    return read
  }
}

/**
 * Where `entries` stand among what was read: their store had them, and its answer was lost. The seq
 * of the last one; undefined when they are not there, all of them and in their order.
 */
export function findRun(
  read: readonly Entry[],
  entries: readonly Omit<Entry, 'seq'>[],
): number | undefined {
  for (let start = 0; start + entries.length <= read.length; start++) {
    if (entries.every((entry, i) => isSame(read[start + i], entry))) {
      return read[start + entries.length - 1]?.seq
    }
  }
  return undefined
}

function isSame(found: Entry | undefined, entry: Omit<Entry, 'seq'>): boolean {
  return (
    found !== undefined &&
    found.at === entry.at &&
    found.author === entry.author &&
    Buffer.compare(found.update, entry.update) === 0
  )
}
