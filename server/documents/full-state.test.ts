import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { integerBetween, pick, seededRandom } from '../../shared/random.ts'
import { contentOf, docOf, editAtRandom } from '../testing/random-edits.ts'
import { FullState } from './full-state.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

function harness(doc = new Y.Doc()) {
  const fullState = new FullState(doc)
  doc.on('update', (update: Uint8Array) => fullState.add(update))
  const joiner = () => {
    const copy = new Y.Doc()
    for (const update of fullState.get()) Y.applyUpdate(copy, update)
    return copy
  }
  return { doc, fullState, joiner, text: doc.getText('text') }
}

describe('the full state', () => {
  test('of an empty document is one update that changes nothing', () => {
    const { doc, fullState, joiner } = harness()
    expect(fullState.get()).toEqual([Y.encodeStateAsUpdate(doc)])
    expect(contentOf(joiner())).toEqual(contentOf(doc))
  })

  test('a hundred joiners cost one encoding', () => {
    const { fullState, text } = harness()
    text.insert(0, 'x'.repeat(1000))
    const [base, ...others] = fullState.get()
    expect(others).toEqual([])
    for (let i = 0; i < 100; i++) expect(fullState.get()[0]).toBe(base)
  })

  test('updates that come later stand behind it, in their order', () => {
    const { doc, fullState, text, joiner } = harness()
    text.insert(0, 'hello')
    const [base] = fullState.get()
    const later: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => void later.push(update))
    text.insert(5, ' world')
    text.delete(0, 1)
    text.insert(0, 'H')
    expect(fullState.get()).toEqual([base, ...later])
    expect(fullState.get()[0]).toBe(base)
    expect(joiner().getText('text').toString()).toBe('Hello world')
  })

  test('nothing is gathered before somebody asks', () => {
    const { fullState, text } = harness()
    for (let i = 0; i < 1000; i++) text.insert(0, 'x')
    expect(fullState.get()).toHaveLength(1)
  })

  test('what was given out does not grow afterwards', () => {
    const { fullState, text } = harness()
    text.insert(0, 'a')
    const given = fullState.get()
    text.insert(0, 'b')
    expect(given).toHaveLength(1)
    expect(fullState.get()).toHaveLength(2)
  })

  test('after many small updates it is encoded anew', () => {
    const { fullState, text, joiner } = harness()
    const [base] = fullState.get()
    for (let i = 0; i < 200; i++) text.insert(0, 'x')
    expect(fullState.get()).toHaveLength(201)
    expect(fullState.get()[0]).toBe(base)
    text.insert(0, 'y')
    expect(fullState.get()).toHaveLength(1)
    expect(fullState.get()[0]).not.toBe(base)
    expect(joiner().getText('text').toString()).toBe(text.toString())
  })

  test('after many bytes it is encoded anew', () => {
    const { fullState, text, joiner } = harness()
    const [base] = fullState.get()
    text.insert(0, 'x'.repeat(60 << 10))
    expect(fullState.get()[0]).toBe(base)
    text.insert(0, 'y'.repeat(5 << 10))
    expect(fullState.get()).toHaveLength(1)
    expect(fullState.get()[0]).not.toBe(base)
    text.insert(0, 'z')
    expect(fullState.get()).toHaveLength(2)
    expect(joiner().getText('text').toString()).toBe(text.toString())
  })

  test('asked for in the middle of a change, it holds the change once', () => {
    const { doc, fullState, text, joiner } = harness()
    let inside: readonly Uint8Array[] = []
    text.observe(() => (inside = fullState.get()))
    text.insert(0, 'hello')
    const copy = new Y.Doc()
    for (const update of inside) Y.applyUpdate(copy, update)
    expect(copy.getText('text').toString()).toBe('hello')
    expect(contentOf(joiner())).toEqual(contentOf(doc))
  })

  test(`after any edits, asked for at any time, it is the document, SEED=${seed}`, () => {
    const random = seededRandom(seed)
    for (let round = 0; round < 20; round++) {
      const { doc, fullState, joiner } = harness(docOf(random))
      const writers = Array.from({ length: 3 }, () => docOf(random))
      for (let step = 0; step < integerBetween(random, 1, 150); step++) {
        const writer = pick(random, writers)
        if (random.next() < 0.3) Y.applyUpdate(writer, Y.encodeStateAsUpdate(doc))
        editAtRandom(writer, random)
        Y.applyUpdate(doc, Y.encodeStateAsUpdate(writer, Y.encodeStateVector(doc)))
        if (random.next() < 0.1) fullState.get()
        if (random.next() < 0.02) editAtRandom(doc, random)
      }
      expect(contentOf(joiner())).toEqual(contentOf(doc))
      const merged = new Y.Doc()
      Y.applyUpdate(merged, Y.mergeUpdates([...fullState.get()]))
      expect(contentOf(merged)).toEqual(contentOf(doc))
    }
  })
})
