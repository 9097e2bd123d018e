import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { ManualClock } from '../../../shared/manual-clock.ts'
import { systemRandom } from '../../../shared/random.ts'
import { until } from '../../../server/testing/until.ts'
import { Outbox } from '../outbox.ts'
import { mergeCopy } from './copy-bytes.ts'
import { LocalCopy } from './local-copy.ts'
import { MemoryStore } from './memory-store.ts'
import type { OfflineStore } from './offline-store.ts'
import type { StorageProblem } from './storage-problem.ts'
import { UnstoredAsides } from './unstored-asides.ts'

type Harness = {
  readonly store?: OfflineStore
  readonly leader?: boolean
  readonly avoid?: string
  readonly avoidLife?: string | null
}

async function harness(options: Harness = {}) {
  const { store = new MemoryStore(), leader = true, avoid, avoidLife } = options
  const unstored = new UnstoredAsides()
  const doc = new Y.Doc()
  const outbox = new Outbox()
  const clock = new ManualClock()
  const problems: (StorageProblem | null)[] = []
  const seen = { kept: 0, setAside: 0 }
  const copy = new LocalCopy({
    name: 'a',
    store,
    clock,
    random: systemRandom,
    kept: false,
    avoid: avoid ?? null,
    avoidLife: avoidLife ?? null,
    unstored,
    isLeader: () => leader,
    source: {
      encodeState: stateVector => Y.encodeStateAsUpdate(doc, stateVector),
      stateVector: () => Y.encodeStateVector(doc),
      unsavedAfter: last => outbox.changes.filter(({ change }) => change > last),
      take(stored) {
        if (stored.snapshot !== null) Y.applyUpdate(doc, stored.snapshot, 'copy')
        for (const { update } of stored.rows) Y.applyUpdate(doc, update, 'copy')
        const unsaved = stored.rows.filter(row => row.unsaved > 0)
        return new Map(unsaved.map(row => [row.id, outbox.add(row.update, row.unsaved)]))
      },
    },
    listener: {
      onKept: change => void (seen.kept = change),
      onProblem: problem => void problems.push(problem),
      onSetAside: () => void (seen.setAside += 1),
    },
  })
  await copy.load()
  const text = doc.getText('t')
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'copy') copy.add(update, origin === 'remote' ? 0 : outbox.add(update))
  })
  const save = (change: number) => {
    outbox.sent(change)
    copy.saved(outbox.acknowledge(1))
  }
  return { store, copy, doc, text, problems, clock, outbox, seen, save, unstored }
}

const textOf = (state: Uint8Array) => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  return doc.getText('t').toString()
}

const asideText = async (store: OfflineStore) => {
  const [aside] = await store.asides()
  return aside === undefined ? undefined : textOf(aside.state)
}

const storedText = async (store: OfflineStore) => {
  const copy = await store.load('a')
  const doc = new Y.Doc()
  if (copy !== undefined) Y.applyUpdate(doc, mergeCopy(copy.snapshot, copy.rows))
  return doc.getText('t').toString()
}

describe('a local copy', () => {
  test('ten thousand saved changes lie in at most 64 rows, and open to the same text', async () => {
    const { store, copy, text, save } = await harness()
    for (let i = 0; i < 10_000; i++) {
      text.insert(i % 7, String(i % 10))
      save(i + 1)
      if (i % 3 === 0) await copy.flush()
    }
    await copy.flush()
    const rows = (await store.load('a'))?.rows ?? []
    expect(rows.length).toBeLessThanOrEqual(64)
    expect(rows.every(({ unsaved }) => unsaved === 0)).toBe(true)
    expect(await storedText(store)).toBe(text.toString())
  })

  test('unsaved changes keep their count, however they are joined', async () => {
    const { store, copy, text, save } = await harness()
    for (let i = 0; i < 1_000; i++) {
      text.insert(0, 'x')
      if (i % 5 === 0) await copy.flush()
    }
    await copy.flush()
    expect((await store.list())[0]?.unsaved).toBe(1_000)
    expect((await store.load('a'))?.rows.length).toBeLessThanOrEqual(64)
    save(1_000)
    await copy.flush()
    expect((await store.list())[0]?.unsaved).toBe(0)
  })

  test('a copy that grew is folded when it is opened, and only what is saved', async () => {
    const { store, copy, text, save } = await harness()
    for (let i = 0; i < 40; i++) {
      text.insert(0, 'x'.repeat(3_000))
      await copy.flush()
    }
    save(35)
    await copy.flush()
    const before = (await store.list())[0]?.unsaved
    const again = await harness({ store })
    await again.copy.flush()
    const stored = await store.load('a')
    expect(stored?.snapshot).not.toBeNull()
    expect((await store.list())[0]?.unsaved).toBe(before)
    expect(await storedText(store)).toBe(text.toString())
  })

  test('a change that comes while the writer is leaving is written too', async () => {
    for (let gap = 0; gap < 12; gap++) {
      const { store, copy, text } = await harness()
      text.insert(0, 'a')
      for (let i = 0; i < gap; i++) await Promise.resolve()
      text.insert(0, 'b')
      await copy.flush()
      expect(await storedText(store)).toBe('ba')
    }
  })

  test('a store that fails is told of, edits go on, and it catches up when it works again', async () => {
    const store = new MemoryStore()
    const append = store.append.bind(store)
    store.append = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const { copy, text, problems, clock, save, doc } = await harness({ store })
    text.insert(0, 'a')
    await copy.flush()
    text.insert(0, 'b')
    await copy.flush()
    expect(problems).toMatchObject([{ reason: 'quota' }])
    clock.advance(15_000)
    await copy.flush()
    expect(problems).toHaveLength(2)
    save(1)
    doc.transact(() => text.insert(0, 'r'), 'remote')
    store.append = append
    clock.advance(15_000)
    await copy.flush()
    expect(problems.at(-1)).toBeNull()
    expect(await storedText(store)).toBe('rba')
    expect(await store.list()).toMatchObject([{ unsaved: 1 }])
    text.insert(0, 'c')
    save(3)
    await copy.flush()
    expect(await store.list()).toMatchObject([{ unsaved: 0 }])
  })

  test('what could not be read at first is taken in later, its unsaved changes too', async () => {
    const first = await harness()
    first.text.insert(0, 'earlier')
    await first.copy.flush()
    const { store } = first
    const load = store.load.bind(store)
    store.load = () => Promise.reject(new Error('a bad day'))
    const { copy, text, problems, clock, outbox } = await harness({ store })
    expect(problems).toMatchObject([{ reason: 'failed', message: 'a bad day' }])
    text.insert(0, 'now')
    store.load = load
    clock.advance(15_000)
    await copy.flush()
    expect(text.toString()).toContain('earlier')
    expect(outbox.count).toBe(2)
    expect(await store.list()).toMatchObject([{ unsaved: 2 }])
    expect(await storedText(store)).toBe(text.toString())
  })

  test('a copy that was dropped under it is written again', async () => {
    const { store, copy, text, save } = await harness()
    text.insert(0, 'one')
    save(1)
    text.insert(0, 'two')
    await copy.flush()
    await store.remove('a', 'any')
    text.insert(0, 'three')
    await copy.flush()
    expect(await storedText(store)).toBe('threetwoone')
    expect(await store.list()).toMatchObject([{ unsaved: 2 }])
    save(3)
    await copy.flush()
    expect(await store.list()).toMatchObject([{ unsaved: 0 }])
  })

  test('a copy that another tab set aside is given up, with what was written late', async () => {
    const { store, copy, text, seen, problems } = await harness()
    text.insert(0, 'one')
    await copy.flush()
    await store.setAside({ name: 'a' }, 1)
    text.insert(0, 'two')
    await copy.flush()
    expect(seen.setAside).toBe(1)
    expect(problems).toEqual([])
    expect(await store.asides()).toMatchObject([{ unsaved: 2 }])
    expect(await store.load('a')).toBeUndefined()
  })

  test('[C7] what is typed while it is set aside, and after, is in the copy that was', async () => {
    const { store, copy, text, unstored } = await harness()
    text.insert(0, 'one')
    const isAside = copy.setAside()
    text.insert(3, ' two')
    await Promise.resolve()
    text.insert(7, ' three')
    await isAside
    text.insert(13, ' four')
    await until(async () => (await asideText(store)) === 'one two three four', 'all of it')
    expect(await store.asides()).toMatchObject([{ unsaved: 4 }])
    expect(unstored.list()).toEqual([])
  })

  test('[C7] a store that does not take it: it is in memory, with what comes late', async () => {
    const store = new MemoryStore()
    const { copy, text, unstored } = await harness({ store })
    text.insert(0, 'one')
    await copy.flush()
    store.setAside = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))
    await copy.setAside()
    text.insert(3, ' two')
    const [aside, ...others] = unstored.list()
    expect(aside).toMatchObject({ name: 'a', unsaved: 2, id: -1 })
    expect(textOf(aside!.state)).toBe('one two')
    expect(others).toEqual([])
    // What the store could not let go of is not read by the next one.
    const next = await harness({ store, avoidLife: copy.life })
    expect(next.text.toString()).toBe('')
    expect(next.problems).toHaveLength(1)
    expect(unstored.remove(-1)).toBe(true)
    expect(unstored.remove(-1)).toBe(false)
  })

  test('[C7] of a degraded store all is in memory, not what the store has of it', async () => {
    const store = new MemoryStore()
    const { copy, text, unstored, problems } = await harness({ store })
    text.insert(0, 'stored')
    await copy.flush()
    store.append = () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))
    text.insert(6, ', not stored')
    await copy.flush()
    expect(problems).toHaveLength(1)
    await copy.setAside()
    expect(unstored.list().map(({ state }) => textOf(state))).toEqual(['stored, not stored'])
  })

  test('a damaged copy is set aside and begun anew; nothing of it is in the document', async () => {
    const { store, copy, text } = await harness()
    text.insert(0, 'good')
    await copy.flush()
    const { life } = (await store.load('a'))!
    await store.append({ name: 'a', life }, [{ update: Uint8Array.of(9, 9, 9), unsaved: 1 }])
    const again = await harness({ store })
    expect(again.text.toString()).toBe('')
    again.text.insert(0, 'new')
    await again.copy.flush()
    expect(again.problems).toEqual([])
    expect(await storedText(store)).toBe('new')
    expect(await store.asides()).toMatchObject([{ name: 'a', unsaved: 2 }])
  })

  test('the copy of an incarnation that is over is not read again', async () => {
    const { store, copy, text } = await harness()
    text.insert(0, 'old')
    copy.belongsTo('old', 3)
    await copy.flush()
    const again = await harness({ store, avoid: 'old' })
    expect(again.text.toString()).toBe('')
    expect(await store.asides()).toMatchObject([{ incarnation: 'old' }])
  })

  test('only the leader folds and joins what others wrote', async () => {
    const { store, copy, text, save } = await harness()
    for (let i = 0; i < 20; i++) {
      text.insert(0, 'x')
      const { life } = (await store.load('a'))!
      await store.append({ name: 'a', life }, [
        { update: Y.encodeStateAsUpdate(text.doc!), unsaved: 0 },
      ])
    }
    save(20)
    await copy.flush()
    const before = (await store.load('a'))!.rows.length
    expect(before).toBeGreaterThan(16)
    const follower = await harness({ store, leader: false })
    follower.text.insert(0, 'y')
    await follower.copy.flush()
    expect((await store.load('a'))!.rows).toHaveLength(before + 1)
    const leader = await harness({ store })
    await leader.copy.flush()
    expect((await store.load('a'))!.rows).toHaveLength(1)
    expect(await storedText(store)).toBe(follower.text.toString())
  })

  test('rows that a closed tab left are found, sent by this one, and marked', async () => {
    const store = new MemoryStore()
    const [one, other] = [await harness({ store }), await harness({ store })]
    other.text.insert(0, 'left behind')
    await other.copy.flush()
    expect(one.text.toString()).toBe('')
    one.copy.repair('rows')
    await one.copy.flush()
    expect(one.text.toString()).toBe('left behind')
    expect(one.outbox.count).toBe(1)
    one.save(1)
    await one.copy.flush()
    expect(await store.list()).toMatchObject([{ unsaved: 0 }])
    one.copy.repair('rows')
    await one.copy.flush()
    expect((await store.load('a'))!.rows).toHaveLength(1)
  })

  test('what came from the server is never stored before the incarnation that it belongs to', async () => {
    const store = new MemoryStore()
    const calls: string[] = []
    const append = store.append.bind(store)
    const putMeta = store.putMeta.bind(store)
    store.append = (ref, rows) => {
      calls.push(`append ${rows.map(({ unsaved }) => (unsaved > 0 ? 'own' : 'theirs')).join()}`)
      return append(ref, rows)
    }
    store.putMeta = (ref, meta) => {
      calls.push(`meta ${meta.incarnation}`)
      return putMeta(ref, meta)
    }
    const { copy, doc, text } = await harness({ store })
    text.insert(0, 'own')
    await Promise.resolve()
    // The first change is being written while the server says hello and sends what it has.
    copy.belongsTo('life 1', 3)
    doc.transact(() => text.insert(0, 'theirs'), 'remote')
    await copy.flush()
    expect(calls).toEqual(['append own', 'meta life 1', 'append theirs'])
  })
})
