import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { LocalCopy } from './local-copy.ts'
import { MemoryStore, mergeCopy } from './memory-store.ts'

function harness(store = new MemoryStore()) {
  const doc = new Y.Doc()
  const failures: unknown[] = []
  const copy = new LocalCopy({
    name: 'a',
    store,
    encodeState: () => Y.encodeStateAsUpdate(doc),
    onKept: () => {},
    onDegraded: error => void failures.push(error),
  })
  const text = doc.getText('t')
  let change = 0
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    copy.add(update, origin === 'remote' ? 0 : ++change)
  })
  return { store, copy, doc, text, failures }
}

const storedText = async (store: MemoryStore) => {
  const copy = await store.load('a')
  const doc = new Y.Doc()
  if (copy !== undefined) Y.applyUpdate(doc, mergeCopy(copy.snapshot, copy.rows))
  return doc.getText('t').toString()
}

describe('a local copy', () => {
  test('ten thousand saved changes lie in at most 64 rows, and open to the same text', async () => {
    const { store, copy, text } = harness()
    for (let i = 0; i < 10_000; i++) {
      text.insert(i % 7, String(i % 10))
      copy.saved(i + 1)
      if (i % 3 === 0) await copy.flush()
    }
    await copy.flush()
    const rows = (await store.load('a'))?.rows ?? []
    expect(rows.length).toBeLessThanOrEqual(64)
    expect(rows.every(({ unsaved }) => unsaved === 0)).toBe(true)
    expect(await storedText(store)).toBe(text.toString())
  })

  test('unsaved changes keep their count, however they are joined', async () => {
    const { store, copy, text } = harness()
    for (let i = 0; i < 1_000; i++) {
      text.insert(0, 'x')
      if (i % 5 === 0) await copy.flush()
    }
    await copy.flush()
    expect((await store.list())[0]?.unsaved).toBe(1_000)
    expect((await store.load('a'))?.rows.length).toBeLessThanOrEqual(64)
    copy.saved(1_000)
    await copy.flush()
    expect((await store.list())[0]?.unsaved).toBe(0)
  })

  test('a copy that grew is folded when it is opened, and only what is saved', async () => {
    const { store, copy, text } = harness()
    for (let i = 0; i < 40; i++) {
      text.insert(0, 'x'.repeat(3_000))
      await copy.flush()
    }
    copy.saved(35)
    await copy.flush()
    const before = (await store.list())[0]?.unsaved
    const again = harness(store)
    const loaded = await again.copy.load()
    for (const { update } of loaded?.rows ?? []) Y.applyUpdate(again.doc, update, 'remote')
    await again.copy.flush()
    const stored = await store.load('a')
    expect(stored?.snapshot).not.toBeNull()
    expect((await store.list())[0]?.unsaved).toBe(before)
    expect(await storedText(store)).toBe(text.toString())
  })

  test('a store that fails is told once, and edits go on', async () => {
    const store = new MemoryStore()
    store.append = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const { copy, text, failures } = harness(store)
    text.insert(0, 'a')
    await copy.flush()
    text.insert(0, 'b')
    copy.saved(2)
    await copy.flush()
    expect(failures).toHaveLength(1)
  })

  test('what came from the server is never stored before the incarnation that it belongs to', async () => {
    const store = new MemoryStore()
    const calls: string[] = []
    const append = store.append.bind(store)
    const putMeta = store.putMeta.bind(store)
    store.append = (name, rows) => {
      calls.push(`append ${rows.map(({ unsaved }) => (unsaved > 0 ? 'own' : 'theirs')).join()}`)
      return append(name, rows)
    }
    store.putMeta = (name, meta) => {
      calls.push(`meta ${meta.incarnation}`)
      return putMeta(name, meta)
    }
    const { copy, doc, text } = harness(store)
    text.insert(0, 'own')
    await Promise.resolve()
    // The first change is being written while the server says hello and sends what it has.
    copy.belongsTo('life 1', 3)
    doc.transact(() => text.insert(0, 'theirs'), 'remote')
    await copy.flush()
    expect(calls).toEqual(['append own', 'meta life 1', 'append theirs'])
  })
})
