/** Writes on a board, and takes back what this window wrote: never what others did. */
import * as Y from 'yjs'
import { systemRandom, type Random } from '../../../shared/random.ts'
import { readShape, within, type Shape } from './shape.ts'

export const SHAPES = 'shapes'

const pens = new WeakMap<Y.Doc, BoardPen>()

/** One for each document, and for as long: who comes back to a board can still take back. */
export function penOf(doc: Y.Doc): BoardPen {
  const pen = pens.get(doc) ?? new BoardPen(doc)
  pens.set(doc, pen)
  return pen
}

export class BoardPen {
  readonly undo: Y.UndoManager
  readonly #shapes: Y.Map<unknown>
  readonly #random: Random

  constructor(doc: Y.Doc, random: Random = systemRandom) {
    this.#shapes = doc.getMap(SHAPES)
    this.#random = random
    // A step is what one gesture did, however long it took: gestures say when they begin.
    this.undo = new Y.UndoManager(this.#shapes, {
      captureTimeout: Number.MAX_SAFE_INTEGER,
      trackedOrigins: new Set([this]),
    })
  }

  /** What follows is another step for undo. */
  begin(): void {
    this.undo.stopCapturing()
  }

  /** Returns the id, which sorts after those before it. */
  add(shape: Omit<Shape, 'id'>): string {
    const id = `${Date.now().toString(36)}-${this.#random.id().slice(0, 6)}`
    this.begin()
    this.#write(id, { ...shape, ...within(shape, shape) })
    return id
  }

  move(id: string, x: number, y: number): void {
    const shape = this.#find(id)
    if (shape === null) return
    const place = within({ x, y }, shape)
    if (place.x !== shape.x || place.y !== shape.y) this.#write(id, { ...shape, ...place })
  }

  change(id: string, change: Partial<Pick<Shape, 'color' | 'text'>>): void {
    const shape = this.#find(id)
    if (shape === null) return
    this.begin()
    this.#write(id, { ...shape, ...change })
  }

  remove(id: string): void {
    if (!this.#shapes.has(id)) return
    this.begin()
    this.#shapes.doc?.transact(() => this.#shapes.delete(id), this)
  }

  #find(id: string): Shape | null {
    return readShape(id, this.#shapes.get(id))
  }

  #write(id: string, shape: Omit<Shape, 'id'>): void {
    const { kind, x, y, width, height, color, text } = shape
    const entry = { kind, x, y, width, height, color, ...(kind === 'note' ? { text } : {}) }
    this.#shapes.doc?.transact(() => this.#shapes.set(id, entry), this)
  }
}
