/** Snapshots of shared types: always what is there, and the same objects where nothing changed. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { typeSnapshot } from './type-snapshot.ts'

test('what has not changed is the same object, wherever it is now', () => {
  const doc = new Y.Doc()
  const list = doc.getArray<Y.Map<unknown>>('list')
  const task = (title: string) => new Y.Map<unknown>([['title', title]])
  list.push([task('a'), task('b')])
  const { get } = typeSnapshot(list)
  const before = get() as readonly object[]
  expect(get()).toBe(before)
  list.insert(0, [task('first')])
  const after = get() as readonly object[]
  expect(after).toEqual([{ title: 'first' }, { title: 'a' }, { title: 'b' }])
  expect(after[1]).toBe(before[0])
  expect(after[2]).toBe(before[1])
  list.get(1).set('title', 'A')
  const changed = get() as readonly object[]
  expect(changed).toEqual([{ title: 'first' }, { title: 'A' }, { title: 'b' }])
  expect(changed[0]).toBe(after[0])
  expect(changed[2]).toBe(after[2])
})

test('deep changes, texts inside, and changes while nobody watches', () => {
  const doc = new Y.Doc()
  const map = doc.getMap('map')
  const { get, subscribe } = typeSnapshot(map)
  expect(get()).toEqual({})
  const text = new Y.Text('wo')
  map.set('inner', new Y.Map<unknown>([['text', text]]))
  expect(get()).toEqual({ inner: { text: 'wo' } })
  text.insert(2, 'ven')
  expect(get()).toEqual({ inner: { text: 'woven' } })
  let calls = 0
  const stop = subscribe(() => void (calls += 1))
  doc.transact(() => {
    text.insert(0, '1')
    map.set('other', { plain: true })
    text.insert(0, '2')
  })
  expect(calls).toBe(1)
  stop()
  map.delete('inner')
  expect(calls).toBe(1)
  expect(get()).toEqual({ other: { plain: true } })
})

test('what is anywhere in it after random edits is what Yjs says', () => {
  const doc = new Y.Doc()
  const root = doc.getMap<unknown>('root')
  const { get } = typeSnapshot(root)
  const places: Y.Map<unknown>[] = [root]
  for (let round = 0; round < 500; round += 1) {
    const place = places[(round * 7919) % places.length] ?? root
    const key = `k${(round * 31) % 5}`
    if (round % 3 === 0) {
      const inner = new Y.Map<unknown>()
      place.set(key, inner)
      if (place.doc !== null) places.push(inner)
    } else if (round % 11 === 0) place.delete(key)
    else if (place.doc !== null) place.set(key, round)
    expect(get()).toEqual(root.toJSON())
  }
})
