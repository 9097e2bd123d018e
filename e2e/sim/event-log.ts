/** What happened, in order: a hash of everything, and the last lines for people. */
import { createHash } from 'node:crypto'

const LINES_MAX = 5_000

export class EventLog {
  readonly #hash = createHash('sha1')
  readonly #time: () => number
  #lines: string[] = []
  #count = 0

  constructor(time: () => number) {
    this.#time = time
  }

  add(who: string, what: string): void {
    const line = `${String(this.#time()).padStart(8)} ${who.padEnd(9)} ${what}`
    this.#count += 1
    this.#hash.update(line).update('\n')
    this.#lines.push(line)
    if (this.#lines.length > 2 * LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX)
  }

  get count(): number {
    return this.#count
  }

  /** The last lines. */
  tail(count: number): readonly string[] {
    return this.#lines.slice(-count)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
