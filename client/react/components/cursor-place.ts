/** Where a cursor is on its way from and to: pure, and the same at any frame rate. */
import type { PointerPlace } from '../member.ts'

/** In this time a cursor covers some two thirds of its way. */
const EASE_MS = 50
/** Nearer than this, in pixels, nobody sees a difference. */
const ARRIVED_PX = 0.25

/** Whatever others send: a place within the area, or none. */
export function readPlace(given: unknown): PointerPlace | null {
  if (typeof given !== 'object' || given === null) return null
  const { x, y } = given as Partial<PointerPlace>
  return isShare(x) && isShare(y) ? { x, y } : null
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}

/** The next place on the way, in pixels; `to` itself when it is as good as there. */
export function approach(from: PointerPlace, to: PointerPlace, elapsedMs: number): PointerPlace {
  const part = 1 - Math.exp(-elapsedMs / EASE_MS)
  const x = from.x + (to.x - from.x) * part
  const y = from.y + (to.y - from.y) * part
  return Math.hypot(to.x - x, to.y - y) < ARRIVED_PX ? to : { x, y }
}
