/** Damaged files: everything is found, nothing is opened silently with other content. */
import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { documentName } from '../../../shared/names.ts'
import { integerBetween, seededRandom } from '../../../shared/random.ts'
import { migrateSqliteFile } from '../../database/sqlite-database.ts'
import { entryChecksum, snapshotChecksum } from '../entry-checksum.ts'
import type { Damage } from '../journal.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { sqliteFiles } from './sqlite-files.ts'
import { SqliteStore } from './sqlite-store.ts'
import { isDamage, readEntry, readSnapshot } from '../stored-rows.ts'

const name = documentName('acme/plan')
const creation = { incarnation: 'life-1', by: 'alice', at: 1, afterDeletion: false }

const bytesOf = (size: number, seed: number) => {
  const random = seededRandom(seed)
  return Uint8Array.from({ length: size }, () => integerBetween(random, 0, 255))
}

const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('damaged bytes', () => {
  let folder: ReturnType<typeof temporaryFolder>
  let dataDir: string
  let damage: Damage[]
  const openStore = (dir = dataDir) => new SqliteStore(dir, (_, one) => damage.push(one))
  const append = (store: SqliteStore, count: number, size = 30) => {
    for (let i = 0; i < count; i++) {
      const entries = [{ author: 'alice', at: 10 + i, update: bytesOf(size, i) }]
      store.append([{ name, incarnation: 'life-1', entries }])
    }
  }
  const tamper = (sql: string, ...values: unknown[]) => {
    const database = new Database(sqliteFiles(dataDir).database)
    database.prepare(sql).run(...values)
    database.close()
  }

  beforeEach(async () => {
    folder = temporaryFolder()
    dataDir = folder.path
    damage = []
    await migrateSqliteFile(sqliteFiles(dataDir).database)
  })
  afterEach(() => folder.remove())

  test('[J10] every flipped bit and every cut of an entry is found', () => {
    let found = 0
    let tried = 0
    for (let seq = 1; seq <= 100; seq++) {
      const update = bytesOf(40, seq)
      const entry = { author: 'alice', at: seq, update }
      const sum = entryChecksum('life-1', seq, entry)
      const row = { seq, at: seq, author: 'alice', handsOver: 0, bytes: update, checksum: sum }
      expect(isDamage(readEntry('life-1', row))).toBe(false)
      for (let bit = 0; bit < update.length * 8; bit++) {
        tried += 1
        if (isDamage(readEntry('life-1', { ...row, bytes: flipped(update, bit) }))) found += 1
      }
      for (let length = 0; length < update.length; length++) {
        tried += 1
        if (isDamage(readEntry('life-1', { ...row, bytes: update.slice(0, length) }))) found += 1
      }
      const others = [{ seq: seq + 1 }, { at: 0 }, { author: 'bob' }, { handsOver: 1 }]
      for (const other of [...others, { checksum: sum ^ 1 }]) {
        expect(isDamage(readEntry('life-1', { ...row, ...other }))).toBe(true)
      }
      expect(isDamage(readEntry('life-2', row))).toBe(true)
    }
    expect(found).toBe(tried)
  })

  test('[J10] every flipped bit and every cut of a snapshot of 8 kB is found', () => {
    const state = bytesOf(8192, 7)
    const owners = '[["alice"],[7,0]]'
    const sum = snapshotChecksum('life-1', { seq: 9, at: 1, state, owners })
    const row = { seq: 9, at: 1, bytes: state, owners, checksum: sum }
    expect(isDamage(readSnapshot('life-1', row))).toBe(false)
    for (const other of [null, '[["alicf"],[7,0]]', '[["alice"],[6,0]]']) {
      expect(isDamage(readSnapshot('life-1', { ...row, owners: other }))).toBe(true)
    }
    let found = 0
    for (let bit = 0; bit < state.length * 8; bit++) {
      if (isDamage(readSnapshot('life-1', { ...row, bytes: flipped(state, bit) }))) found += 1
    }
    for (let length = 0; length < state.length; length++) {
      if (isDamage(readSnapshot('life-1', { ...row, bytes: state.slice(0, length) }))) found += 1
    }
    expect(found).toBe(state.length * 9)
  })

  test('[J10] rows of before there were handed-over states still pass their check', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const row = { seq: 7, at: 9, bytes }
    const entry = { ...row, author: 'alice', handsOver: 0, checksum: 2_357_984_534 }
    expect(isDamage(readEntry('life-1', entry))).toBe(false)
    const snapshot = { ...row, owners: null, checksum: 2_571_790_358 }
    expect(isDamage(readSnapshot('life-1', snapshot))).toBe(false)
  })

  test('[J10] a damaged entry keeps the document shut, and names itself', () => {
    let store = openStore()
    store.open(name, creation)
    append(store, 20)
    store.close()
    tamper('UPDATE entries SET bytes = ? WHERE seq = 13', bytesOf(30, 999))
    store = openStore()
    expect(() => store.open(name, creation)).toThrow(
      expect.objectContaining({
        code: 'DOCUMENT_DAMAGED',
        retryable: false,
        message: '"acme/plan": entry 13 fails its checksum',
      }),
    )
    expect(damage).toMatchObject([{ kind: 'entry', seq: 13 }])
    expect(store.inspect(name)?.damage).toMatchObject([{ kind: 'entry', seq: 13 }])
    store.close()
  })

  test('[J10] a missing entry keeps the document shut', () => {
    let store = openStore()
    store.open(name, creation)
    append(store, 20)
    store.close()
    tamper('DELETE FROM entries WHERE seq BETWEEN 5 AND 6')
    store = openStore()
    expect(() => store.open(name, undefined)).toThrow(/entries 5 to 6 were acknowledged/)
    store.close()
  })

  test('[J11] a damaged snapshot is set aside and the document opens from the one before', () => {
    let store = openStore()
    store.open(name, creation)
    append(store, 20)
    const put = (previousSeq: number, seq: number) =>
      store.putSnapshot({
        name,
        incarnation: 'life-1',
        previousSeq,
        snapshot: { seq, at: 1, state: bytesOf(100, seq) },
      })
    expect([put(0, 8), put(8, 15)]).toEqual(['put', 'put'])
    store.close()
    const broken = flipped(bytesOf(100, 15), 77)
    tamper('UPDATE snapshots SET bytes = ? WHERE seq = 15', broken)
    store = openStore()
    const stored = store.open(name, undefined)
    expect(stored?.snapshot?.seq).toBe(8)
    expect(stored?.tail.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 9))
    expect(damage).toMatchObject([{ kind: 'snapshot', seq: 15 }])
    expect(store.inspect(name)?.snapshots).toMatchObject([
      { seq: 15, quarantined: true },
      { seq: 8, quarantined: false },
    ])
    // The damaged bytes stay as they are, whatever is put later.
    expect(put(8, 15)).toBe('stale')
    expect(put(8, 18)).toBe('put')
    store.close()
    const database = new Database(sqliteFiles(dataDir).database)
    const kept = database.prepare('SELECT bytes FROM snapshots WHERE seq = 15').pluck().get()
    expect(Uint8Array.from(kept as Uint8Array)).toEqual(broken)
    database.close()
    tamper('UPDATE snapshots SET checksum = 0')
    store = openStore()
    expect(store.open(name, undefined)).toMatchObject({ snapshot: null, head: { seq: 20 } })
    store.close()
  })

  describe('a WAL that was cut', () => {
    /** The files as a power cut leaves them: copied while the store is open, nothing checkpointed. */
    const copyFiles = (to: string, keepWitness = true) => {
      const { database, witness } = sqliteFiles(dataDir)
      const copy = sqliteFiles(to)
      copyFileSync(database, copy.database)
      copyFileSync(`${database}-wal`, `${copy.database}-wal`)
      rmSync(`${copy.database}-shm`, { force: true })
      rmSync(copy.witness, { force: true })
      if (keepWitness && existsSync(witness)) copyFileSync(witness, copy.witness)
      return `${copy.database}-wal`
    }

    const reopen = (dir: string) => {
      const store = openStore(dir)
      try {
        return { entries: store.open(name, creation)?.tail.length }
      } catch (error) {
        return { error: error as Error & { code: string } }
      } finally {
        store.close()
      }
    }

    test.each([11, 42, 4711])('[J12] cut at random bytes, seed %i: all there, or said', seed => {
      const store = openStore()
      store.open(name, creation)
      append(store, 150)
      const random = seededRandom(seed)
      const other = temporaryFolder()
      const outcomes = { whole: 0, said: 0, silent: 0 }
      for (let round = 0; round < 60; round++) {
        const wal = copyFiles(other.path)
        const size = statSync(wal).size
        if (round % 3 === 0) truncateSync(wal, size - integerBetween(random, 0, size))
        else {
          // A torn write: the tail is there and holds something else.
          const bytes = readFileSync(wal)
          const from = integerBetween(random, 32, size - 1)
          const until = round % 3 === 1 ? size : Math.min(size, from + 512)
          for (let i = from; i < until; i++) bytes[i] = integerBetween(random, 0, 255)
          writeFileSync(wal, bytes)
        }
        const { entries, error } = reopen(other.path)
        if (entries === 150) outcomes.whole += 1
        else if (error?.code === 'DOCUMENT_DAMAGED' && /acknowledged/.test(error.message)) {
          outcomes.said += 1
        } else outcomes.silent += 1
      }
      expect(outcomes.silent).toBe(0)
      expect(outcomes.said).toBeGreaterThan(10)
      store.close()
      other.remove()
    })

    test('without the witness the same cut goes unnoticed: the test can fail', () => {
      const store = openStore()
      store.open(name, creation)
      append(store, 150)
      const other = temporaryFolder()
      const wal = copyFiles(other.path, false)
      truncateSync(wal, statSync(wal).size - 100_000)
      expect(reopen(other.path).entries).toBeLessThan(150)
      store.close()
      other.remove()
    })

    test('a document whose creation was cut away is not taken for a new one', () => {
      const store = openStore()
      store.open(documentName('older'), { ...creation, incarnation: 'life-0' })
      store.open(name, creation)
      append(store, 3)
      const other = temporaryFolder()
      const wal = copyFiles(other.path)
      truncateSync(wal, 32)
      const { error } = reopen(other.path)
      expect(error?.message).toMatch(/entries 1 to 3 were acknowledged/)
      store.close()
      other.remove()
    })

    test('a torn witness only means less evidence', () => {
      const store = openStore()
      store.open(name, creation)
      append(store, 10)
      const other = temporaryFolder()
      copyFiles(other.path)
      const { witness } = sqliteFiles(other.path)
      truncateSync(witness, statSync(witness).size - 5)
      expect(reopen(other.path)).toEqual({ entries: 10 })
      writeFileSync(witness, bytesOf(1000, 1))
      expect(reopen(other.path)).toEqual({ entries: 10 })
      store.close()
      other.remove()
    })
  })
})
