/**
 * Which Postgres driver, and which way to send many byte strings in one statement? One commit of
 * 1 to 1,000 entries on a real Postgres, without prepared statements, as behind a pooler.
 * `node bench/postgres-drivers.ts`
 */
import { cpus } from 'node:os'
import { Pool } from 'pg'
import postgres from 'postgres'
import { Postgres } from '../server/testing/postgres.ts'

const ENTRIES = [1, 10, 100, 1_000]
const SIZES = [40, 4_096]
/** Of each kind; the median is shown. */
const ROUNDS = 60

const BLOB = `INSERT INTO entries (seq, bytes)
  SELECT one.seq, substr($1::bytea, one.start, one.length)
  FROM unnest($2::bigint[], $3::int[], $4::int[]) AS one(seq, start, length)`
const ARRAY = `INSERT INTO entries (seq, bytes)
  SELECT one.seq, one.bytes FROM unnest($1::bytea[], $2::bigint[]) AS one(bytes, seq)`

type Write = (updates: readonly Buffer[], seqs: readonly number[]) => Promise<unknown>
type Figures = { readonly tookMs: number; readonly cpuMs: number }

const cluster = await Postgres.start()
try {
  const url = await cluster.createDatabase()
  await cluster.query(url, 'CREATE TABLE entries (seq bigint, bytes bytea)')
  const pool = new Pool({ connectionString: url, max: 1 })
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false })
  const blobOf = (updates: readonly Buffer[]) => {
    const lengths = updates.map(({ byteLength }) => byteLength)
    let end = 1
    const starts = lengths.map(length => (end += length) - length)
    return { blob: Buffer.concat(updates), starts, lengths }
  }
  const ways: Readonly<Record<string, Write>> = {
    'pg, one blob': (updates, seqs) => {
      const { blob, starts, lengths } = blobOf(updates)
      return pool.query(BLOB, [blob, seqs, starts, lengths])
    },
    'pg, bytea[]': (updates, seqs) => pool.query(ARRAY, [updates, seqs]),
    'postgres, one blob': (updates, seqs) => {
      const { blob, starts, lengths } = blobOf(updates)
      // Arrays as text: without asking the server for its types this driver knows none.
      const arrays = [seqs, starts, lengths].map(one => `{${one.join(',')}}`)
      return sql.unsafe(BLOB, [blob, ...arrays])
    },
    'postgres, bytea[]': (updates, seqs) => {
      const hex = updates.map(update => `"\\\\x${update.toString('hex')}"`)
      return sql.unsafe(ARRAY, [`{${hex.join(',')}}`, `{${seqs.join(',')}}`])
    },
  }
  console.log(`${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`)
  console.log('ms of one commit / ms of our own processor time in it\n')
  console.log(`| entries | bytes each | ${Object.keys(ways).join(' | ')} |`)
  console.log(`|---:|---:|${'---:|'.repeat(Object.keys(ways).length)}`)
  for (const size of SIZES) {
    for (const count of ENTRIES) {
      const cells = []
      for (const write of Object.values(ways)) {
        const { tookMs, cpuMs } = await measure(write, count, size)
        cells.push(`${tookMs.toFixed(2)} / ${cpuMs.toFixed(2)}`)
        await cluster.query(url, 'TRUNCATE entries')
      }
      console.log(`| ${count} | ${size} | ${cells.join(' | ')} |`)
    }
  }
  await pool.end()
  await sql.end()
} finally {
  await cluster.remove()
}

async function measure(write: Write, count: number, size: number): Promise<Figures> {
  const updates = Array.from({ length: count }, (_, i) => Buffer.alloc(size, i))
  const seqs = updates.map((_, i) => i)
  for (let round = 0; round < 5; round++) await write(updates, seqs)
  const took: number[] = []
  const cpuAt = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    await write(updates, seqs)
    took.push(performance.now() - startedAt)
  }
  const { user, system } = process.cpuUsage(cpuAt)
  const median = took.toSorted((one, other) => one - other)[took.length >> 1] ?? Number.NaN
  return { tookMs: median, cpuMs: (user + system) / 1000 / ROUNDS }
}
