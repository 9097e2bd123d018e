/** Which entries of the journal are in the document: all up to one, and ranges beyond it. */
import type { SeqRange } from '../fanout/document-message.ts'

/** Ranges that are remembered beyond the first gap; what is forgotten is read from the journal. */
const RANGES_MAX = 1_000

export class SeqCoverage {
  #seq: number
  /** In order, apart from each other, all beyond `#seq`. */
  #ranges: SeqRange[] = []

  constructor(seq: number) {
    this.#seq = seq
  }

  /** Everything up to this entry is in the document. */
  get seq(): number {
    return this.#seq
  }

  /** The last entry that is known to be there; beyond {@link seq} when something is missing. */
  get last(): number {
    return this.#ranges.at(-1)?.to ?? this.#seq
  }

  has(seq: number): boolean {
    return seq <= this.#seq || this.#ranges.some(({ from, to }) => from <= seq && seq <= to)
  }

  add(range: SeqRange): void {
    const touching = (one: SeqRange) => one.to + 1 >= range.from && one.from <= range.to + 1
    const joined = this.#ranges.filter(touching)
    const from = Math.min(range.from, ...joined.map(one => one.from))
    const to = Math.max(range.to, ...joined.map(one => one.to))
    const apart = this.#ranges.filter(one => !touching(one))
    if (from <= this.#seq + 1) this.#seq = Math.max(this.#seq, to)
    else apart.push({ from, to })
    this.#ranges = apart.filter(one => one.to > this.#seq).sort((a, b) => a.from - b.from)
    this.#close()
    if (this.#ranges.length > RANGES_MAX) this.#ranges.length = RANGES_MAX
  }

  /** The first range may begin right behind what is whole by now. */
  #close(): void {
    const [first] = this.#ranges
    if (first === undefined || first.from > this.#seq + 1) return
    this.#seq = first.to
    this.#ranges.shift()
    this.#close()
  }
}
