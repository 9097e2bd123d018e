/** Is the audit log what was written? Reads all of it; works beside running servers. */
import type { AnchorReading } from './anchor-file.ts'
import type { AuditTable } from './audit-table.ts'
import { ChainCheck, type Finding } from './chain-check.ts'

export type Verdict =
  | {
      readonly ok: true
      readonly rows: number
      readonly anchors: number
      /** The last row that is held by an anchor; what comes after it could be cut off unseen. */
      readonly anchoredTo: number
    }
  | { readonly ok: false; readonly finding: Finding }

const PAGE = 1_000
const ROUNDS_MAX = 1_000

/** `reading`: undefined when there are no anchors. */
export async function verifyTable(
  table: AuditTable,
  reading: AnchorReading | undefined,
): Promise<Verdict> {
  const anchors = reading?.anchors ?? []
  const [unsigned] = reading?.unsigned ?? []
  if (unsigned !== undefined) {
    const sentence = `line ${unsigned} of the anchors is not signed with this WEFT_AUDIT_SECRET`
    return { ok: false, finding: { kind: 'anchor', seq: 0, since: 0, sentence } }
  }
  const finding = await findBadRow(table, new ChainCheck(anchors))
  if (finding.kind !== 'none') return { ok: false, finding }
  const anchoredTo = anchors.reduce((most, { seq }) => Math.max(most, seq), 0)
  return { ok: true, rows: finding.rows, anchors: anchors.length, anchoredTo }
}

type NoFinding = { readonly kind: 'none'; readonly rows: number }

async function findBadRow(table: AuditTable, check: ChainCheck): Promise<Finding | NoFinding> {
  for (let round = 1; ; round++) {
    const before = await table.head()
    // The first page begins before the first row, where a forged one may be.
    const after = check.lastSeq === 0 ? undefined : check.lastSeq
    for await (const rows of table.pages({ after, limit: PAGE })) {
      for (const row of rows) {
        const finding = check.row(row)
        if (finding !== undefined) return finding
      }
    }
    const now = await table.head()
    const isMoving = before !== undefined && now !== undefined && now.seq > before.seq
    // Somebody appended meanwhile: what is missing may only have come since.
    if (isMoving && now.seq > check.lastSeq && round < ROUNDS_MAX) continue
    const finding = check.end(now) ?? (await findTwin(table))
    return finding ?? { kind: 'none', rows: check.lastSeq }
  }
}

/** The key of the table forbids it, as long as it is there. */
async function findTwin(table: AuditTable): Promise<Finding | undefined> {
  const seq = await table.firstTwin()
  if (seq === undefined) return undefined
  return { kind: 'extra', seq, since: seq, sentence: `row ${seq}: it is there twice` }
}
