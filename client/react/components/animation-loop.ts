/** One loop for everything that moves on the page; it rests when nothing does. */

/** Moves something on by `elapsedMs`, and says whether it is still under way. */
export type Step = (elapsedMs: number) => boolean

/** After a pause (a hidden tab, say) nothing should leap for as long as the pause was. */
const ELAPSED_MS_MAX = 100
const FIRST_FRAME_MS = 16

const moving = new Set<Step>()
let frame: number | undefined
let lastFrame: number | undefined

export function startMoving(step: Step): void {
  moving.add(step)
  frame ??= requestAnimationFrame(run)
}

export function stopMoving(step: Step): void {
  moving.delete(step)
}

function run(now: number): void {
  const elapsedMs = lastFrame === undefined ? FIRST_FRAME_MS : now - lastFrame
  lastFrame = now
  for (const step of moving) {
    if (!step(Math.min(elapsedMs, ELAPSED_MS_MAX))) moving.delete(step)
  }
  if (moving.size > 0) {
    frame = requestAnimationFrame(run)
  } else {
    frame = undefined
    lastFrame = undefined
  }
}
