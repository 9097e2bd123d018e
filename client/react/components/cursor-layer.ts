/** Moves the cursors of one area: React knows who has one, and nothing of where it is. */
import type { Readable } from '../../sdk/index.ts'
import type { Member, PointerPlace } from '../member.ts'
import { startMoving, stopMoving } from './animation-loop.ts'
import { approach, readPlace } from './cursor-place.ts'

/** A pointer that rests is in the way. */
export const GONE_AFTER_MS = 5_000
const REDUCED_MOTION = '(prefers-reduced-motion: reduce)'

type Moving = {
  readonly element: HTMLElement
  target: PointerPlace | null
  /** In pixels of the area; null until it was shown once. */
  at: PointerPlace | null
  /** Monotonic ms. */
  movedAt: number
}

export class CursorLayer {
  readonly #others: Readable<readonly Member[]>
  readonly #field: string
  readonly #cursors = new Map<number, Moving>()
  readonly #calm: Pick<MediaQueryList, 'matches'>
  #size = { width: 0, height: 0 }
  #fading: ReturnType<typeof setTimeout> | undefined

  constructor(others: Readable<readonly Member[]>, field: string) {
    this.#others = others
    this.#field = field
    // Made while rendering, which may be on a server.
    this.#calm = typeof matchMedia === 'undefined' ? { matches: true } : matchMedia(REDUCED_MOTION)
  }

  /** Follows the area's size and the others' pointers until the returned function is called. */
  follow(area: HTMLElement): () => void {
    const resize = new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      const { width, height } = entry.contentRect
      this.#size = { width, height }
      startMoving(this.#step)
    })
    resize.observe(area)
    const stop = this.#others.subscribe(() => this.#take())
    this.#take()
    return () => {
      resize.disconnect()
      stop()
      clearTimeout(this.#fading)
      // Or the next who follows would wait for a timer that is no more.
      this.#fading = undefined
      stopMoving(this.#step)
    }
  }

  add(clientId: number, element: HTMLElement): () => void {
    element.style.opacity = '0'
    this.#cursors.set(clientId, { element, target: null, at: null, movedAt: 0 })
    this.#take()
    return () => void this.#cursors.delete(clientId)
  }

  #take(): void {
    const now = performance.now()
    let isChanged = false
    for (const { clientId, presence } of this.#others.get()) {
      const cursor = this.#cursors.get(clientId)
      if (cursor === undefined) continue
      const target = readPlace((presence as Readonly<Record<string, unknown>>)[this.#field])
      if (target?.x === cursor.target?.x && target?.y === cursor.target?.y) continue
      cursor.target = target
      cursor.movedAt = now
      isChanged = true
    }
    if (!isChanged) return
    startMoving(this.#step)
    this.#fading ??= setTimeout(this.#fade, GONE_AFTER_MS)
  }

  readonly #step = (elapsedMs: number): boolean => {
    let isMoving = false
    for (const cursor of this.#cursors.values()) {
      const { element, target, at } = cursor
      if (target === null) {
        hide(cursor)
        continue
      }
      const to = { x: target.x * this.#size.width, y: target.y * this.#size.height }
      // What appears does so in its place: it did not come from anywhere.
      const next = at === null || this.#calm.matches ? to : approach(at, to, elapsedMs)
      if (next !== to) isMoving = true
      cursor.at = next
      element.style.transform = `translate3d(${next.x.toFixed(2)}px, ${next.y.toFixed(2)}px, 0)`
      if (performance.now() - cursor.movedAt < GONE_AFTER_MS) element.style.opacity = '1'
    }
    return isMoving
  }

  /** One timer for all: it looks again when the next one would be due. */
  readonly #fade = (): void => {
    this.#fading = undefined
    const now = performance.now()
    let nextMs = Infinity
    for (const cursor of this.#cursors.values()) {
      if (cursor.target === null || cursor.element.style.opacity === '0') continue
      const leftMs = cursor.movedAt + GONE_AFTER_MS - now
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs)
      else hide(cursor)
    }
    if (nextMs < Infinity) this.#fading = setTimeout(this.#fade, nextMs)
  }
}

function hide(cursor: Moving): void {
  cursor.element.style.opacity = '0'
  // Seen again it appears where it is then.
  cursor.at = null
}
