/** What every offline store must do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { CopyGone, type OfflineStore } from './offline-store.ts'

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

const a = { name: 'a', life: 'life of a' }
const b = { name: 'b', life: 'life of b' }
const never = { name: 'never kept', life: 'none' }
const meta = { incarnation: null, seq: 0, openedAt: 5, kept: false }

export function offlineStoreContract(name: string, open: () => Promise<StoreHarness>): void {
  describe(`the ${name} store`, () => {
    let harness: StoreHarness
    let store: OfflineStore
    beforeEach(async () => {
      harness = await open()
      store = harness.store
      expect(await store.load('a')).toBeUndefined()
      expect(await store.list()).toEqual([])
      await store.begin(a, meta)
      await store.begin(b, meta)
    })
    afterEach(() => store.close())

    test('who begins a copy that another tab has begun gets theirs', async () => {
      expect(await store.begin({ name: 'c', life: '1' }, meta)).toMatchObject({
        ...meta,
        life: '1',
      })
      const [id] = await store.append({ name: 'c', life: '1' }, [
        { update: textUpdate('x'), unsaved: 1 },
      ])
      const second = await store.begin({ name: 'c', life: '2' }, { ...meta, kept: true })
      expect(second).toMatchObject({ life: '1', kept: false, rows: [{ id, unsaved: 1 }] })
    })

    test('rows come back in order, each document its own', async () => {
      const [first, second] = [textUpdate('one'), textUpdate('two')]
      const ids = await store.append(a, [
        { update: first, unsaved: 1 },
        { update: second, unsaved: 0 },
      ])
      await store.append(b, [{ update: second, unsaved: 2 }])
      const copy = await store.load('a')
      expect(copy).toMatchObject({ incarnation: null, seq: 0, snapshot: null })
      expect(copy?.rows.map(({ id, unsaved }) => [id, unsaved])).toEqual([
        [ids[0], 1],
        [ids[1], 0],
      ])
      expect(textOf(copy?.rows[0]?.update ?? first)).toBe('one')
      expect(await store.list()).toEqual([
        { name: 'a', ...meta, unsaved: 1, bytes: first.byteLength + second.byteLength },
        { name: 'b', ...meta, unsaved: 2, bytes: second.byteLength },
      ])
    })

    test('saved rows count no more', async () => {
      const ids = await store.append(a, [
        { update: textUpdate('x'), unsaved: 1 },
        { update: textUpdate('y'), unsaved: 3 },
      ])
      await store.markSaved(a, ids.slice(0, 1))
      expect(await store.list()).toMatchObject([{ unsaved: 3 }, { unsaved: 0 }])
      await store.markSaved(a, [...ids, 4711])
      expect(await store.list()).toMatchObject([{ unsaved: 0 }, { unsaved: 0 }])
    })

    test('meta outlives folding', async () => {
      await store.putMeta(a, { incarnation: 'life', seq: 7 })
      await store.fold(a, { snapshot: textUpdate('s'), revision: 0, folded: [] })
      expect(await store.load('a')).toMatchObject({ incarnation: 'life', seq: 7 })
      await store.putMeta(a, { incarnation: 'life', seq: 8 })
      expect(textOf((await store.load('a'))?.snapshot ?? new Uint8Array())).toBe('s')
    })

    test('several rows become one, once', async () => {
      const ids = await store.append(a, [
        { update: textUpdate('1'), unsaved: 0 },
        { update: textUpdate('2'), unsaved: 1 },
        { update: textUpdate('3'), unsaved: 1 },
      ])
      const row = { update: textUpdate('23'), unsaved: 2 }
      const joined = await store.join(a, { ids: ids.slice(1), row })
      const rows = (await store.load('a'))?.rows.map(({ id, unsaved }) => [id, unsaved])
      expect(rows).toEqual([
        [ids[0], 0],
        [joined, 2],
      ])
      // Another tab joined or folded them meanwhile: they are not brought back.
      expect(await store.join(a, { ids: ids.slice(1), row })).toBeNull()
    })

    test('folding replaces saved rows, and keeps what others added and folded', async () => {
      const ids = await store.append(a, [{ update: textUpdate('1'), unsaved: 0 }])
      const [other] = await store.append(a, [{ update: textUpdate('other tab'), unsaved: 1 }])
      await store.fold(a, { snapshot: textUpdate('folded'), revision: 0, folded: ids })
      const copy = await store.load('a')
      expect(copy?.revision).toBe(1)
      expect(textOf(copy?.snapshot ?? new Uint8Array())).toBe('folded')
      expect(copy?.rows.map(({ id }) => id)).toEqual([other])
      await store.fold(a, { snapshot: textUpdate('stale'), revision: 0, folded: [] })
      const both = textOf((await store.load('a'))?.snapshot ?? new Uint8Array())
      expect(both).toContain('folded')
      expect(both).toContain('stale')
      await store.fold(a, { snapshot: textUpdate('newest'), revision: 2, folded: [] })
      expect(textOf((await store.load('a'))?.snapshot ?? new Uint8Array())).toBe('newest')
    })

    test('a copy set aside can be exported, and leaves its name free', async () => {
      await store.putMeta(a, { incarnation: 'old', seq: 3 })
      await store.append(a, [{ update: textUpdate('precious'), unsaved: 1 }])
      await store.setAside(a, 99)
      await store.setAside(never, 99)
      await store.setAside({ name: 'b', life: 'another' }, 99)
      expect(await store.load('b')).toBeDefined()
      expect(await store.load('a')).toBeUndefined()
      const asides = await store.asides()
      expect(asides).toMatchObject([{ name: 'a', incarnation: 'old', unsaved: 1, at: 99 }])
      expect(textOf(asides[0]?.state ?? new Uint8Array())).toBe('precious')
      await store.removeAside(asides[0]?.id ?? 0)
      expect(await store.asides()).toEqual([])
    })

    test('a removed copy is gone, others stay', async () => {
      await store.append(a, [{ update: textUpdate('x'), unsaved: 1 }])
      await store.append(b, [{ update: textUpdate('y'), unsaved: 1 }])
      await store.putMeta(a, { incarnation: 'i', seq: 1 })
      expect(await store.remove('a', 'saved')).toBe(false)
      expect(await store.load('a')).toBeDefined()
      expect(await store.remove('a', 'any')).toBe(true)
      expect(await store.load('a')).toBeUndefined()
      expect(await store.remove('never kept', 'saved')).toBe(true)
      expect(await store.load('b')).toBeDefined()
    })

    test('what a slow tab writes to a copy that was set aside joins it there', async () => {
      await store.append(a, [{ update: textUpdate('before'), unsaved: 1 }])
      await store.setAside(a, 99)
      const next = { name: 'a', life: 'the next' }
      await store.begin(next, meta)
      const late = [{ update: textUpdate('late'), unsaved: 2 }]
      await expect(store.append(a, late)).rejects.toMatchObject({ fate: 'aside' })
      await expect(store.putMeta(a, { seq: 9 })).rejects.toThrow(CopyGone)
      await expect(store.markSaved(a, [1])).rejects.toThrow(CopyGone)
      await expect(store.join(a, { ids: [], row: late[0]! })).rejects.toThrow(CopyGone)
      const fold = { snapshot: textUpdate('x'), revision: 0, folded: [] }
      await expect(store.fold(a, fold)).rejects.toThrow(CopyGone)
      expect(await store.load('a')).toMatchObject({ life: 'the next', seq: 0, rows: [] })
      const [aside] = await store.asides()
      expect(aside).toMatchObject({ unsaved: 3 })
      expect(textOf(aside!.state)).toContain('before')
      expect(textOf(aside!.state)).toContain('late')
    })

    test('what is written to a copy that was dropped leaves nothing', async () => {
      await store.remove('a', 'any')
      const late = [{ update: textUpdate('late'), unsaved: 2 }]
      await expect(store.append(a, late)).rejects.toMatchObject({ fate: 'dropped' })
      expect(await store.load('a')).toBeUndefined()
      await store.begin(a, meta)
      expect(await store.load('a')).toMatchObject({ rows: [] })
    })

    test('a damaged copy is not read in part, and set aside with what can be read', async () => {
      await store.append(a, [
        { update: textUpdate('good'), unsaved: 1 },
        { update: Uint8Array.of(255, 255, 255, 255, 7), unsaved: 1 },
      ])
      await expect(store.load('a')).rejects.toThrow('damaged')
      await store.setAside({ name: 'a' }, 99)
      expect(await store.load('a')).toBeUndefined()
      const [aside] = await store.asides()
      expect(textOf(aside!.state)).toBe('good')
    })

    test('a destroyed store is empty', async () => {
      await store.append(a, [{ update: textUpdate('x'), unsaved: 1 }])
      await store.setAside(b, 99)
      await store.destroy()
      const again = await harness.reopen?.()
      expect(await (again ?? store).list().catch(() => [])).toEqual([])
      await again?.destroy()
    })

    test('everything is there after the store is opened again', async () => {
      if (harness.reopen === undefined) return
      await store.append(a, [{ update: textUpdate('kept'), unsaved: 1 }])
      await store.putMeta(a, { incarnation: 'i', seq: 1 })
      await store.close()
      store = await harness.reopen()
      const copy = await store.load('a')
      expect(copy).toMatchObject({ incarnation: 'i', seq: 1 })
      expect(textOf(copy?.rows[0]?.update ?? new Uint8Array())).toBe('kept')
    })
  })
}
