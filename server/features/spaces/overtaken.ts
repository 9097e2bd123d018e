/** Others change a space at the same time: what was decided on is not there any more. */
import { WeftError } from '../../../shared/errors.ts'

const TRIES_MAX = 5

class Overtaken extends WeftError {}

export function overtaken(): WeftError {
  const sentence = 'others change this space at the same time'
  return new Overtaken('SLOW_DOWN', sentence, { retryAfterMs: 100 })
}

/** Decides anew, a few times. */
export async function unlessOvertaken<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Overtaken) || tries >= TRIES_MAX) throw error
    }
  }
}
