/** Holds a chain of rows against itself, its head and its anchors; names the first bad row. */
import { EMPTY_HEAD, hashOf, type AuditHead, type AuditRow } from './audit-row.ts'

export type Finding = {
  readonly kind: 'changed' | 'missing' | 'extra' | 'head' | 'anchor'
  /** The first bad row. */
  readonly seq: number
  /** The bad row is this one at the earliest, where what lies between cannot be told apart. */
  readonly since: number
  readonly sentence: string
}

/** A row whose own hash fits, and that goes on from another row than the one before it. */
type Suspect = { readonly row: AuditRow; readonly previous: AuditRow | undefined }

/**
 * Rows are given in the order of seq, then the end. Once it has found something it is done.
 *
 * Where the link between two rows is broken and the hashes of both fit, one of them was made anew
 * together with its hash: the next row, or the head, says which.
 */
export class ChainCheck {
  readonly #anchors: ReadonlyMap<number, readonly AuditHead[]>
  readonly #anchoredTo: number
  #last: AuditRow | undefined
  #suspect: Suspect | undefined
  #lastAnchored = 0
  #finding: Finding | undefined

  constructor(anchors: readonly AuditHead[]) {
    this.#anchors = Map.groupBy(anchors, ({ seq }) => seq)
    this.#anchoredTo = anchors.reduce((most, { seq }) => Math.max(most, seq), 0)
  }

  get lastSeq(): number {
    return this.#last?.seq ?? 0
  }

  row(row: AuditRow): Finding | undefined {
    this.#finding ??= this.#check(row)
    this.#last = row
    return this.#finding
  }

  end(head: AuditHead | undefined): Finding | undefined {
    return (this.#finding ??= this.#checkEnd(head))
  }

  #check(row: AuditRow): Finding | undefined {
    if (this.#suspect !== undefined) return judge(this.#suspect, row.prevHash)
    const expected = this.lastSeq + 1
    if (row.seq > expected) return missing(expected, `row ${row.seq} comes after ${this.lastSeq}`)
    if (row.seq !== expected) return found('extra', row.seq, 'it is none of the log')
    if (hashOf(row.prevHash, row) !== row.hash) {
      if (this.#isPushedUp(row)) return found('extra', row.seq - 1, 'it was put between others')
      return found('changed', row.seq, 'its hash is not the one of what it says')
    }
    if (row.prevHash !== (this.#last?.hash ?? EMPTY_HEAD.hash)) {
      this.#suspect = { row, previous: this.#last }
      return undefined
    }
    return this.#checkAnchors(row)
  }

  /** It fits where the row before it stands: that one was put in, and the others made room. */
  #isPushedUp(row: AuditRow): boolean {
    if (row.prevHash !== this.#last?.prevHash || row.hash === this.#last.hash) return false
    return hashOf(row.prevHash, { ...row, seq: row.seq - 1 }) === row.hash
  }

  #checkAnchors({ seq, hash }: AuditRow): Finding | undefined {
    const anchors = this.#anchors.get(seq)
    if (anchors === undefined) return undefined
    const other = anchors.find(anchor => anchor.hash !== hash)
    if (other === undefined) {
      this.#lastAnchored = seq
      return undefined
    }
    const since = this.#lastAnchored + 1
    const seen = `another row ${seq} was anchored on ${new Date(other.at).toISOString()}`
    const where = since === seq ? '' : `; the first that differs is row ${since} or later`
    return { kind: 'anchor', seq, since, sentence: `row ${seq}: ${seen}${where}` }
  }

  #checkEnd(head: AuditHead | undefined): Finding | undefined {
    if (head === undefined) return found('head', this.lastSeq, 'the head of the log is missing')
    if (this.#suspect !== undefined) return judge(this.#suspect, head.hash)
    const seq = this.lastSeq
    if (head.seq > seq) return missing(seq + 1, `the log goes on to row ${head.seq}`)
    if (this.#anchoredTo > seq) return missing(seq + 1, `row ${this.#anchoredTo} was anchored`)
    if (head.seq < seq) return found('extra', head.seq + 1, `the log ends with row ${head.seq}`)
    const { hash, at } = this.#last ?? EMPTY_HEAD
    if (head.hash !== hash) return found('changed', seq, 'the head of the log has another hash')
    if (head.at !== at) return found('head', seq, 'the head of the log has another time')
    return undefined
  }
}

/** `next`: the hash that the row after the suspect goes on from. */
function judge({ row, previous }: Suspect, next: string): Finding {
  const isBlamed = previous === undefined || next !== row.hash
  const { seq } = isBlamed ? row : previous
  return found('changed', seq, 'it was made anew, with a hash that fits, and its neighbour knows')
}

function found(kind: Finding['kind'], seq: number, what: string): Finding {
  return { kind, seq, since: seq, sentence: `row ${seq}: ${what}` }
}

function missing(seq: number, why: string): Finding {
  return { kind: 'missing', seq, since: seq, sentence: `row ${seq} is missing: ${why}` }
}
