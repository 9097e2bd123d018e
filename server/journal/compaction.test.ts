import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName, type DocumentName } from '../../shared/names.ts'
import { pick, seededRandom } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { contentOf, docOf, editAtRandom } from '../testing/random-edits.ts'
import { FaultyJournal } from '../testing/faulty-journal.ts'
import { Compaction, isDue, type CompactionLimits, type SnapshotReport } from './compaction.ts'
import { fold, type Folded, type FoldInput } from './fold.ts'
import type { Folder } from './folder.ts'
import { claimId } from './id-owners.ts'
import { decodeOwners, encodeOwners } from './owners-text.ts'
import type { NewEntry } from './journal.ts'
import { MemoryJournal } from './memory-journal.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const limits: CompactionLimits = { entriesMin: 3, bytesMin: 1_000_000 }
const due = { entries: 3, bytes: 0, snapshotBytes: 0 }
const notDue = { entries: 2, bytes: 0, snapshotBytes: 0 }
const [a, b, c] = [documentName('a'), documentName('b'), documentName('c')] as const

/** Folds when the test says so: each fold waits for `finish` or `fail`. */
class HeldFolder implements Folder {
  readonly inputs: FoldInput[] = []
  #running: { finish: () => void; fail: (error: Error) => void } | undefined
  #started: (() => void) | undefined
  /** The most folds that ever ran at once. */
  mostAtOnce = 0
  #atOnce = 0

  fold(input: FoldInput): Promise<Folded> {
    this.inputs.push(input)
    this.#atOnce += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce)
    return new Promise((resolve, reject) => {
      const end = (action: () => void) => () => {
        this.#running = undefined
        this.#atOnce -= 1
        action()
      }
      this.#running = {
        finish: end(() => resolve(fold(input))),
        fail: error => end(() => reject(error))(),
      }
      this.#started?.()
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Resolves when a fold is in hand. */
  async started(): Promise<void> {
    if (this.#running === undefined) await new Promise<void>(resolve => (this.#started = resolve))
  }

  async finish(): Promise<void> {
    await this.started()
    this.#running?.finish()
  }

  async fail(): Promise<void> {
    await this.started()
    this.#running?.fail(new Error('injected: the thread died'))
  }
}

const foldNow: Folder = {
  fold: input => Promise.resolve().then(() => fold(input)),
  close: () => Promise.resolve(),
}

async function harness<F extends Folder>(folder: F, ...names: DocumentName[]) {
  const memory = new MemoryJournal()
  const journal = new FaultyJournal(memory)
  const reports: [DocumentName, SnapshotReport['outcome']][] = []
  const sizes: number[] = []
  const clock = new ManualClock()
  const compaction = new Compaction({
    ...limits,
    journal,
    folder,
    clock,
    log: silentLog,
    onSnapshot(name, { outcome, bytes }) {
      reports.push([name, outcome])
      sizes.push(bytes)
    },
  })
  const docs = new Map<DocumentName, Y.Doc>()
  for (const name of names) {
    await memory.open(name, { incarnation: name, by: 'alice', at: 1, afterDeletion: false })
    const doc = new Y.Doc()
    docs.set(name, doc)
    doc.on('update', (update: Uint8Array) => {
      const entries = [{ author: 'alice', at: 1, update }]
      // This journal stores at once; nobody has to wait for it.
      void memory.append({ name, incarnation: name, entries })
    })
  }
  const text = (name: DocumentName) => docs.get(name)!.getText('text')
  for (const name of names) for (const word of ['1', '2', '3']) text(name).insert(0, word)
  const stored = async (name: DocumentName) => (await memory.open(name))!
  return {
    memory,
    journal,
    compaction,
    folder,
    clock,
    reports,
    sizes,
    text,
    stored,
    /** What somebody sees who opens the document now. */
    read: async (name: DocumentName) => {
      const { snapshot, tail } = await stored(name)
      const doc = new Y.Doc()
      if (snapshot !== null) Y.applyUpdate(doc, snapshot.state)
      for (const { update } of tail) Y.applyUpdate(doc, update)
      return doc.getText('text').toString()
    },
  }
}

describe('when a snapshot is due', () => {
  const given: CompactionLimits = { entriesMin: 1000, bytesMin: 256 << 10 }
  const megabyte = 1 << 20

  test.each([
    ['nothing behind it', 0, 0, 0, false],
    ['fewer entries than the least', 999, 999, 0, false],
    ['the least entries', 1000, 1000, 0, true],
    ['few entries, but the least bytes', 2, 256 << 10, 0, true],
    ['a byte less', 2, (256 << 10) - 1, 0, false],
    ['one entry alone, however large', 1, 10 * megabyte, 0, false],
    ['the least entries behind a large snapshot', 1000, 1000, megabyte, false],
    ['one entry for each 100 bytes of snapshot', 10_486, 10_486, megabyte, true],
    ['fewer than that', 10_485, 10_485, megabyte, false],
    ['as many bytes as a large snapshot has', 2, megabyte, megabyte, true],
    ['fewer bytes than a large snapshot has', 2, megabyte - 1, megabyte, false],
    ['20,000 entries behind whatever', 20_000, 20_000, 50 * megabyte, true],
    ['fewer than 20,000 behind something huge', 19_999, 19_999, 50 * megabyte, false],
  ])('%s', (...[, entries, bytes, snapshotBytes, expected]) => {
    expect(isDue({ entries, bytes, snapshotBytes }, given)).toBe(expected)
  })
})

describe('compaction', () => {
  test('folds nothing before it is due', async () => {
    const { compaction, journal, folder } = await harness(new HeldFolder(), a)
    compaction.grew(a, notDue)
    await compaction.idle()
    expect(journal.opens).toBe(0)
    expect(folder.inputs).toEqual([])
  })

  test('puts the state of all entries, and opening starts there', async () => {
    const { compaction, clock, reports, sizes, stored, read, text } = await harness(foldNow, a)
    clock.advance(5)
    compaction.grew(a, due)
    await compaction.idle()
    const { snapshot, tail, head } = await stored(a)
    expect(snapshot).toMatchObject({ seq: 3, at: clock.now() })
    expect(tail).toEqual([])
    expect(reports).toEqual([[a, 'put']])
    expect(sizes).toEqual([snapshot?.state.byteLength])
    expect(head.seq).toBe(3)
    text(a).insert(0, '4')
    expect(await read(a)).toBe('4321')
  })

  test('builds the next snapshot on the last one', async () => {
    const { compaction, folder, stored, text } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await folder.finish()
    await compaction.idle()
    const { snapshot } = await stored(a)
    text(a).insert(0, '4')
    compaction.grew(a, due)
    await folder.finish()
    await compaction.idle()
    expect(folder.inputs.map(({ tail }) => tail.length)).toEqual([3, 1])
    expect(folder.inputs.map(input => input.snapshot)).toEqual([null, snapshot])
    expect((await stored(a)).snapshot?.seq).toBe(4)
  })

  test('folds one document at a time, oldest first, each once', async () => {
    const { compaction, folder, reports } = await harness(new HeldFolder(), a, b, c)
    for (const name of [b, a, b, c, a]) compaction.grew(name, due)
    for (let i = 0; i < 3; i++) await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([
      [b, 'put'],
      [a, 'put'],
      [c, 'put'],
    ])
    expect(folder.mostAtOnce).toBe(1)
  })

  test('takes up documents that become due during a fold, and this one not again', async () => {
    const { compaction, folder, reports, text } = await harness(new HeldFolder(), a, b)
    compaction.grew(a, due)
    await folder.started()
    text(a).insert(0, '4')
    compaction.grew(a, due)
    compaction.grew(b, due)
    await folder.finish()
    await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([
      [a, 'put'],
      [b, 'put'],
    ])
    expect(folder.mostAtOnce).toBe(1)
  })

  test('an edit during the fold stands behind the snapshot', async () => {
    const { compaction, folder, stored, read, text } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await folder.started()
    text(a).insert(0, '4')
    text(a).delete(3, 1)
    await folder.finish()
    await compaction.idle()
    const { snapshot, tail } = await stored(a)
    expect(snapshot?.seq).toBe(3)
    expect(tail.map(({ seq }) => seq)).toEqual([4, 5])
    expect(await read(a)).toBe('432')
  })

  test('works again after it was idle', async () => {
    const { compaction, reports, text } = await harness(foldNow, a)
    for (let round = 0; round < 3; round++) {
      text(a).insert(0, 'x')
      compaction.grew(a, due)
      await compaction.idle()
    }
    expect(reports).toEqual(Array.from({ length: 3 }, () => [a, 'put']))
  })
})

describe('[J8] a fold that comes too late', () => {
  test('somebody else’s snapshot stays, and nothing is lost', async () => {
    const { memory, compaction, folder, reports, stored, read } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await folder.started()
    const { tail } = await stored(a)
    const snapshot = { seq: 2, at: 5, ...fold({ snapshot: null, tail: tail.slice(0, 2) }) }
    await memory.putSnapshot({ name: a, incarnation: a, previousSeq: 0, snapshot })
    await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([[a, 'stale']])
    expect((await stored(a)).snapshot).toEqual(snapshot)
    expect(await read(a)).toBe('321')
  })

  test('a document that was deleted stays deleted', async () => {
    const { memory, compaction, folder, reports } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await folder.started()
    await memory.remove(a, 'bob', 9)
    await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([[a, 'stale']])
    await expect(memory.open(a)).rejects.toMatchObject({ code: 'DOCUMENT_DELETED' })
  })

  test('a document that was made anew gets nothing of its old life', async () => {
    const { memory, compaction, folder, reports } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await folder.started()
    await memory.remove(a, 'bob', 9)
    await memory.open(a, { incarnation: 'life-2', by: 'bob', at: 10, afterDeletion: true })
    await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([[a, 'stale']])
    expect(await memory.open(a)).toMatchObject({ snapshot: null, tail: [] })
  })

  test('a document without anything to fold is passed over', async () => {
    const { compaction, reports } = await harness(foldNow, a)
    for (let round = 0; round < 2; round++) {
      compaction.grew(a, due)
      await compaction.idle()
    }
    compaction.grew(b, due)
    await compaction.idle()
    expect(reports).toEqual([[a, 'put']])
  })
})

describe('a fold that fails', () => {
  test('hurts neither its document nor the next one, and growth tries again', async () => {
    const { compaction, folder, reports, sizes, stored, read, text } = await harness(
      new HeldFolder(),
      a,
      b,
    )
    compaction.grew(a, due)
    compaction.grew(b, due)
    await folder.fail()
    await folder.finish()
    await compaction.idle()
    expect(reports).toEqual([
      [a, 'failed'],
      [b, 'put'],
    ])
    expect(sizes[0]).toBe(0)
    expect(await stored(a)).toMatchObject({ snapshot: null, head: { seq: 3 } })
    expect(await read(a)).toBe('321')
    text(a).insert(0, '4')
    compaction.grew(a, due)
    await folder.finish()
    await compaction.idle()
    expect((await stored(a)).snapshot?.seq).toBe(4)
    expect(await read(a)).toBe('4321')
  })

  test('a store that cannot be read is tried again with the next growth', async () => {
    const { compaction, journal, reports, read } = await harness(foldNow, a)
    journal.failOpens = 1
    compaction.grew(a, due)
    await compaction.idle()
    compaction.grew(a, due)
    await compaction.idle()
    expect(reports).toEqual([
      [a, 'failed'],
      [a, 'put'],
    ])
    expect(await read(a)).toBe('321')
  })

  test('entries that do not add up never become a snapshot', async () => {
    const { memory, compaction, reports, stored } = await harness(foldNow, a)
    const writer = new Y.Doc()
    writer.getText('text').insert(0, 'missing')
    const has = Y.encodeStateVector(writer)
    writer.getText('text').insert(0, 'later')
    const update = Y.encodeStateAsUpdate(writer, has)
    await memory.append({
      name: a,
      incarnation: a,
      entries: [{ author: 'mallory', at: 1, update }],
    })
    compaction.grew(a, due)
    await compaction.idle()
    expect(reports).toEqual([[a, 'failed']])
    const { snapshot, tail } = await stored(a)
    expect(snapshot).toBeNull()
    expect(tail).toHaveLength(4)
  })
})

describe('the end', () => {
  test('waits for the fold in hand, drops the others, and takes no more', async () => {
    const { compaction, folder, reports } = await harness(new HeldFolder(), a, b)
    compaction.grew(a, due)
    compaction.grew(b, due)
    await folder.started()
    let isClosed = false
    const closing = compaction.close().then(() => (isClosed = true))
    compaction.grew(b, due)
    await new Promise(resolve => setImmediate(resolve))
    expect(isClosed).toBe(false)
    await folder.finish()
    await closing
    compaction.grew(b, due)
    await compaction.idle()
    expect(reports).toEqual([[a, 'put']])
    expect(folder.inputs).toHaveLength(1)
  })

  test('comes at once when nothing is in hand', async () => {
    const { compaction, folder } = await harness(new HeldFolder(), a)
    compaction.grew(a, due)
    await compaction.close()
    await compaction.close()
    expect(folder.inputs).toEqual([])
  })
})

test(`[J8] any edits, folds, failures and foreign snapshots read back, SEED=${seed}`, async () => {
  const random = seededRandom(seed)
  const memory = new MemoryJournal()
  const journal = new FaultyJournal(memory)
  const outcomes = new Set<string>()
  let foldsToFail = 0
  const folder: Folder = {
    async fold(input) {
      if (random.next() < 0.3) {
        // Somebody else's snapshot comes in between.
        for (const { name } of docs) other.grew(name, due)
        await other.idle()
      }
      if (foldsToFail-- > 0) throw new Error('injected: the thread died')
      return fold(input)
    },
    close: () => Promise.resolve(),
  }
  const compaction = new Compaction({
    ...limits,
    journal,
    folder,
    clock: new ManualClock(),
    log: silentLog,
    onSnapshot: (_name, { outcome }) => void outcomes.add(outcome),
  })
  const other = new Compaction({
    ...limits,
    journal: memory,
    folder: foldNow,
    clock: new ManualClock(),
    log: silentLog,
  })
  const docs = [a, b, c].map(name => ({ name, doc: docOf(random) }))
  for (const { name, doc } of docs) {
    await memory.open(name, { incarnation: name, by: 'alice', at: 1, afterDeletion: false })
    doc.on('update', (update: Uint8Array) => {
      void memory.append({ name, incarnation: name, entries: [{ author: 'alice', at: 1, update }] })
    })
  }
  for (let step = 0; step < 600; step++) {
    const { name, doc } = pick(random, docs)
    editAtRandom(doc, random)
    if (random.next() < 0.2) compaction.grew(name, due)
    if (random.next() < 0.05) journal.failOpens = 1
    if (random.next() < 0.05) foldsToFail = 1
    if (random.next() < 0.1) await compaction.idle()
    else if (random.next() < 0.3) await Promise.resolve()
  }
  journal.failOpens = 0
  foldsToFail = 0
  await compaction.idle()
  expect(outcomes).toEqual(new Set(['put', 'stale', 'failed']))
  for (const { name, doc } of docs) {
    const { snapshot, tail } = (await memory.open(name))!
    const copy = docOf(random)
    if (snapshot !== null) Y.applyUpdate(copy, snapshot.state)
    for (const { update } of tail) Y.applyUpdate(copy, update)
    expect(contentOf(copy)).toEqual(contentOf(doc))
  }
})

describe('[J16] whose the client ids are', () => {
  const typed = (doc: Y.Doc, author: string, handsOver?: true): NewEntry => {
    const before = Y.encodeStateVector(doc)
    doc.getText('t').insert(0, 'x')
    const update = Y.encodeStateAsUpdate(doc, before)
    return { author, at: 1, update, ...(handsOver === undefined ? {} : { handsOver }) }
  }

  test('the first to write under an id owns it; who hands it over does not', async () => {
    const { memory, compaction, stored } = await harness(foldNow, c)
    const [ada, bob, cyd] = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
    const put = async (...entries: NewEntry[]) => {
      await memory.append({ name: c, incarnation: c, entries })
      compaction.grew(c, due)
      await compaction.idle()
      return [...((await stored(c)).snapshot?.owners ?? [])].filter(([id]) => ids.includes(id))
    }
    const ids = [ada, bob, cyd].map(({ clientID }) => clientID)
    const first = [typed(ada, 'ada'), typed(bob, 'ada', true), typed(ada, 'mallory')]
    expect(await put(...first)).toEqual([[ada.clientID, 'ada']])
    // Bob's own next change makes the id his; what is known already claims nothing.
    const again = { ...typed(cyd, 'cyd'), author: 'mallory' }
    const owners = await put({ ...again, author: 'cyd' }, again, typed(bob, 'bob'))
    expect(owners).toEqual([
      [ada.clientID, 'ada'],
      [cyd.clientID, 'cyd'],
      [bob.clientID, 'bob'],
    ])
  })

  test('only so many are remembered: the oldest go first', () => {
    const owners = new Map<number, string>()
    for (let id = 0; id < 5_002; id++) claimId(owners, id, `author ${id % 3}`)
    expect([owners.size, owners.has(1), owners.get(2)]).toEqual([5_000, false, 'author 2'])
    expect([...decodeOwners(encodeOwners(owners))]).toEqual([...owners])
  })
})
