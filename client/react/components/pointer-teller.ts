/** Tells others where the own pointer is, at a pace that is smooth and no burden. */
import type { PointerPlace } from '../member.ts'

const PACE_MS = 40

export type PointerTeller = {
  readonly move: (place: PointerPlace) => void
  /** The pointer is nowhere. */
  readonly leave: () => void
}

/** The first move is told at once, of those within the pace the last. */
export function createPointerTeller(tell: (place: PointerPlace | null) => void): PointerTeller {
  let waiting: PointerPlace | null = null
  let pace: ReturnType<typeof setTimeout> | undefined
  let isTold = false

  const flush = () => {
    pace = undefined
    if (waiting === null) return
    tell(waiting)
    isTold = true
    waiting = null
    pace = setTimeout(flush, PACE_MS)
  }
  return {
    move(place) {
      waiting = place
      if (pace === undefined) flush()
    },
    leave() {
      clearTimeout(pace)
      pace = undefined
      waiting = null
      if (isTold) tell(null)
      isTold = false
    },
  }
}
