/** What of this node's changes is durable, gathered for the other nodes, who ride on the next one. */
import type { SeqRange, StoredNote } from '../fanout/document-message.ts'
import type { UnsavedSource } from './unsaved.ts'

/** More than that is not told: others read it from the journal. */
const RANGES_MAX = 64

type Stored = {
  readonly sources: readonly UnsavedSource[]
  /** Seq of the last of them. */
  readonly seq: number
  /** Changes of this node's by now; a guarded one is the last. */
  readonly ownCount: number
}

export class StoredNotes {
  #count = 0
  #since = 0
  #ranges: SeqRange[] = []

  add({ sources, seq, ownCount }: Stored): void {
    const from = seq - sources.length + 1
    sources.forEach((source, i) => {
      // Adopted ones were told by another node: who has all of ours may not have them.
      if (source.kind === 'adopted') return
      this.#count = Math.max(this.#count, source.kind === 'own' ? source.count : ownCount)
      this.#extend(from + i)
    })
  }

  #extend(seq: number): void {
    const last = this.#ranges.at(-1)
    if (last?.to === seq - 1) this.#ranges[this.#ranges.length - 1] = { from: last.from, to: seq }
    else this.#ranges.push({ from: seq, to: seq })
    if (this.#ranges.length > RANGES_MAX) this.#ranges.shift()
  }

  take(): StoredNote {
    const note = { count: this.#count, since: this.#since, ranges: this.#ranges }
    this.#since = this.#count
    this.#ranges = []
    return note
  }
}
