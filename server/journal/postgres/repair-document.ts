/** Lets a damaged document open again, from what can be read. Nothing that is stored is removed. */
import type { DocumentName } from '../../../shared/names.ts'
import { snapshotChecksum } from '../entry-checksum.ts'
import { encodeOwners } from '../owners-text.ts'
import type { DocumentHead, Snapshot } from '../journal.ts'
import { salvage, type RepairReport } from '../salvage.ts'
import { isDamage } from '../stored-rows.ts'
import type { PostgresDatabase } from './database.ts'
import { inspectDocument, snapshotsOf, soundEntriesOf } from './inspect-document.ts'
import * as sql from './statements.ts'

/**
 * Puts a snapshot of what is left above everything that was ever stored: opening starts from there,
 * damaged rows stay where they are, and no seq is given out twice. Servers may run: a damaged
 * document is open on none of them, and when one has written to it meanwhile this rejects.
 */
export async function repairDocument(
  database: PostgresDatabase,
  name: DocumentName,
  at: number,
): Promise<RepairReport | undefined> {
  const [head] = await database.rows<DocumentHead>(sql.HEAD, [name])
  if (head === undefined) return undefined
  const { damage } = await inspectDocument(database, head)
  if (damage.length === 0) return { damage: [], seq: head.seq, lost: 0 }
  const { incarnation } = head
  const entries = await soundEntriesOf(database, incarnation)
  const { state, owners, lost } = salvage(await newestSound(database, incarnation), entries)
  const seq = Math.max(head.seq, ...damage.map(({ upToSeq }) => upToSeq)) + 1
  const text = encodeOwners(owners)
  const sum = snapshotChecksum(incarnation, { seq, at, state, owners: text })
  const values = [incarnation, seq, at, state, text, sum, database.lockTimeoutMs]
  const put = await database.rows(sql.PUT_ABOVE, values)
  if (put.length === 0) throw new Error('somebody writes to the document; nothing was changed')
  return { damage: damage.map(({ sentence }) => sentence), seq, lost }
}

async function newestSound(
  database: PostgresDatabase,
  incarnation: string,
): Promise<Snapshot | null> {
  for await (const snapshot of snapshotsOf(database, incarnation)) {
    if (!isDamage(snapshot)) return snapshot
  }
  return null
}
