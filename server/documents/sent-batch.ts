/** A batch on its way to the journal, looked for in all that is read there: its answer may be lost. */
import type { Entry } from '../journal/journal.ts'
import type { UnsavedBatch } from './unsaved.ts'

export class SentBatch {
  readonly batch: UnsavedBatch
  #foundAt: number | undefined
  /** So many of its first entries are the last ones that were read. */
  #matched = 0
  #lastSeq = 0

  constructor(batch: UnsavedBatch) {
    this.batch = batch
  }

  /** Seq of its last entry; undefined while nobody has read it, whole and in its order. */
  get foundAt(): number | undefined {
    return this.#foundAt
  }

  /** These have been read, for whatever reason; a batch may be spread over several readings. */
  notice(entries: readonly Entry[]): void {
    const { entries: own } = this.batch
    for (const entry of entries) {
      if (this.#foundAt !== undefined) return
      // Entries of one append stand together.
      if (entry.seq !== this.#lastSeq + 1 || !isSame(entry, own[this.#matched])) this.#matched = 0
      if (isSame(entry, own[this.#matched])) this.#matched += 1
      this.#lastSeq = entry.seq
      if (this.#matched === own.length) this.#foundAt = entry.seq
    }
  }
}

function isSame(found: Entry, entry: UnsavedBatch['entries'][number] | undefined): boolean {
  return (
    entry !== undefined &&
    found.at === entry.at &&
    found.author === entry.author &&
    Buffer.compare(found.update, entry.update) === 0
  )
}
