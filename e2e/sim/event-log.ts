/** What happened, in order: a hash of everything, and the last lines for people. */
import { createHash } from 'node:crypto'

const LINES_MAX = 5_000

export class EventLog {
  readonly #hash = createHash('sha1')
  readonly #time: () => number
  #lines: string[] = []

  constructor(time: () => number) {
    this.#time = time
  }

  /** `quiet` lines count, and nobody wants to read them. */
  add(who: string, what: string, kind: 'told' | 'quiet' = 'told'): void {
    const line = `${String(this.#time()).padStart(8)} ${who.padEnd(9)} ${what}`
    this.#hash.update(line).update('\n')
    if (kind === 'quiet') return
    this.#lines.push(line)
    if (this.#lines.length > 2 * LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX)
  }

  /** The last lines. */
  tail(count: number): readonly string[] {
    return this.#lines.slice(-count)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
