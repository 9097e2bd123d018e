/** What every offline store must do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { OfflineStore } from './offline-store.ts'

export type StoreHarness = {
  readonly store: OfflineStore
  /** Opens the same store again; undefined where nothing outlives it. */
  readonly reopen?: () => Promise<OfflineStore>
}

const textUpdate = (text: string) => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}
const textOf = (update: Uint8Array) => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return doc.getText('t').toString()
}

export function offlineStoreContract(name: string, open: () => Promise<StoreHarness>): void {
  describe(`the ${name} store`, () => {
    let harness: StoreHarness
    let store: OfflineStore
    beforeEach(async () => {
      harness = await open()
      store = harness.store
    })
    afterEach(() => store.close())

    test('there is no copy until something is kept', async () => {
      expect(await store.load('a')).toBeUndefined()
      expect(await store.list()).toEqual([])
    })

    test('rows come back in order, each document its own', async () => {
      const [first, second] = [textUpdate('one'), textUpdate('two')]
      const ids = await store.append('a', [
        { update: first, unsaved: 1 },
        { update: second, unsaved: 0 },
      ])
      await store.append('b', [{ update: second, unsaved: 2 }])
      const copy = await store.load('a')
      expect(copy).toMatchObject({ incarnation: null, seq: 0, snapshot: null })
      expect(copy?.rows.map(({ id, unsaved }) => [id, unsaved])).toEqual([
        [ids[0], 1],
        [ids[1], 0],
      ])
      expect(textOf(copy?.rows[0]?.update ?? first)).toBe('one')
      expect(await store.list()).toEqual([
        { name: 'a', incarnation: null, unsaved: 1 },
        { name: 'b', incarnation: null, unsaved: 2 },
      ])
    })

    test('saved rows count no more', async () => {
      const ids = await store.append('a', [
        { update: textUpdate('x'), unsaved: 1 },
        { update: textUpdate('y'), unsaved: 3 },
      ])
      await store.markSaved('a', ids.slice(0, 1))
      expect(await store.list()).toMatchObject([{ unsaved: 3 }])
      await store.markSaved('a', [...ids, 4711])
      expect(await store.list()).toMatchObject([{ unsaved: 0 }])
    })

    test('meta outlives folding', async () => {
      await store.putMeta('a', { incarnation: 'life', seq: 7 })
      await store.fold('a', { snapshot: textUpdate('s'), revision: 0, folded: [] })
      expect(await store.load('a')).toMatchObject({ incarnation: 'life', seq: 7 })
      await store.putMeta('a', { incarnation: 'life', seq: 8 })
      expect(textOf((await store.load('a'))?.snapshot ?? new Uint8Array())).toBe('s')
    })

    test('several rows become one, once', async () => {
      const ids = await store.append('a', [
        { update: textUpdate('1'), unsaved: 0 },
        { update: textUpdate('2'), unsaved: 1 },
        { update: textUpdate('3'), unsaved: 1 },
      ])
      const row = { update: textUpdate('23'), unsaved: 2 }
      const joined = await store.join('a', ids.slice(1), row)
      const rows = (await store.load('a'))?.rows.map(({ id, unsaved }) => [id, unsaved])
      expect(rows).toEqual([
        [ids[0], 0],
        [joined, 2],
      ])
      // Another tab joined or folded them meanwhile: they are not brought back.
      expect(await store.join('a', ids.slice(1), row)).toBeNull()
    })

    test('folding replaces saved rows, and keeps what others added and folded', async () => {
      const ids = await store.append('a', [{ update: textUpdate('1'), unsaved: 0 }])
      const [other] = await store.append('a', [{ update: textUpdate('other tab'), unsaved: 1 }])
      await store.fold('a', { snapshot: textUpdate('folded'), revision: 0, folded: ids })
      const copy = await store.load('a')
      expect(copy?.revision).toBe(1)
      expect(textOf(copy?.snapshot ?? new Uint8Array())).toBe('folded')
      expect(copy?.rows.map(({ id }) => id)).toEqual([other])
      await store.fold('a', { snapshot: textUpdate('stale'), revision: 0, folded: [] })
      const both = textOf((await store.load('a'))?.snapshot ?? new Uint8Array())
      expect(both).toContain('folded')
      expect(both).toContain('stale')
      await store.fold('a', { snapshot: textUpdate('newest'), revision: 2, folded: [] })
      expect(textOf((await store.load('a'))?.snapshot ?? new Uint8Array())).toBe('newest')
    })

    test('a copy set aside can be exported, and leaves its name free', async () => {
      await store.putMeta('a', { incarnation: 'old', seq: 3 })
      await store.append('a', [{ update: textUpdate('precious'), unsaved: 1 }])
      await store.setAside('a', 99)
      await store.setAside('never kept', 99)
      expect(await store.load('a')).toBeUndefined()
      const asides = await store.asides()
      expect(asides).toMatchObject([{ name: 'a', incarnation: 'old', unsaved: 1, at: 99 }])
      expect(textOf(asides[0]?.state ?? new Uint8Array())).toBe('precious')
      await store.removeAside(asides[0]?.id ?? 0)
      expect(await store.asides()).toEqual([])
    })

    test('a removed copy is gone, others stay', async () => {
      await store.append('a', [{ update: textUpdate('x'), unsaved: 1 }])
      await store.append('b', [{ update: textUpdate('y'), unsaved: 1 }])
      await store.putMeta('a', { incarnation: 'i', seq: 1 })
      await store.remove('a')
      expect(await store.load('a')).toBeUndefined()
      expect(await store.load('b')).toBeDefined()
    })

    test('everything is there after the store is opened again', async () => {
      if (harness.reopen === undefined) return
      await store.append('a', [{ update: textUpdate('kept'), unsaved: 1 }])
      await store.putMeta('a', { incarnation: 'i', seq: 1 })
      await store.close()
      store = await harness.reopen()
      const copy = await store.load('a')
      expect(copy).toMatchObject({ incarnation: 'i', seq: 1 })
      expect(textOf(copy?.rows[0]?.update ?? new Uint8Array())).toBe('kept')
    })
  })
}
