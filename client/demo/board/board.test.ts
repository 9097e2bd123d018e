import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { BoardPen, SHAPES } from './board-pen.ts'
import { BOARD, readShapes, type Shape } from './shape.ts'

const note = {
  kind: 'note',
  x: 10,
  y: 20,
  width: 180,
  height: 130,
  color: 'yellow',
  text: 'hi',
} as const
const shapesOf = (doc: Y.Doc): readonly Shape[] => readShapes(doc.getMap(SHAPES).toJSON())

/** Two boards in step. */
function pair() {
  const [mine, theirs] = [new Y.Doc(), new Y.Doc()]
  mine.on('update', (update: Uint8Array, origin) => {
    if (origin !== 'wire') Y.applyUpdate(theirs, update, 'wire')
  })
  theirs.on('update', (update: Uint8Array, origin) => {
    if (origin !== 'wire') Y.applyUpdate(mine, update, 'wire')
  })
  return { mine, pen: new BoardPen(mine), their: new BoardPen(theirs) }
}

describe('shapes of a board', () => {
  test('whatever is written there, what is read is whole and on the board', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record(
        {
          kind: fc.constantFrom('note', 'ellipse', 'rectangle', 'circle'),
          x: fc.oneof(fc.double(), fc.string()),
          y: fc.double(),
          width: fc.double(),
          height: fc.double(),
          color: fc.oneof(fc.constant('blue'), fc.string()),
          text: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.string(), anything), entries => {
        for (const shape of readShapes(entries)) {
          expect(shape.x).toBeGreaterThanOrEqual(0)
          expect(shape.y).toBeGreaterThanOrEqual(0)
          expect(shape.x + shape.width).toBeLessThanOrEqual(BOARD.width)
          expect(shape.y + shape.height).toBeLessThanOrEqual(BOARD.height)
          expect(typeof shape.text).toBe('string')
        }
      }),
    )
  })

  test('an entry that has not changed is the same shape', () => {
    const entries = { a: { ...note } }
    expect(readShapes(entries)[0]).toBe(readShapes({ ...entries })[0])
  })

  test('undo takes back one gesture of one’s own, and nothing of others', () => {
    const { mine, pen, their } = pair()
    const id = pen.add(note)
    pen.begin()
    for (let x = 20; x <= 200; x += 20) pen.move(id, x, 20)
    const other = their.add({ ...note, text: 'theirs' })
    pen.undo.undo()
    expect(shapesOf(mine).find(shape => shape.id === id)).toMatchObject({ x: 10, text: 'hi' })
    pen.undo.undo()
    expect(shapesOf(mine).map(shape => shape.id)).toEqual([other])
    pen.undo.redo()
    expect(shapesOf(mine)).toHaveLength(2)
  })

  test('a shape moved over the edge stays on the board', () => {
    const { mine, pen } = pair()
    const id = pen.add(note)
    pen.move(id, 1e9, -50)
    expect(shapesOf(mine)[0]).toMatchObject({ x: BOARD.width - note.width, y: 0 })
  })
})
