/** Ids in the order in which they were made (after ULID): 10 signs of time, 4 that count, 12 by chance. */
import type { Clock } from '../../../shared/clock.ts'
import { integerBetween, type Random } from '../../../shared/random.ts'

/** Crockford's: in the order of their codes, without those that look alike. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const COUNT_MAX = 32 ** 4 - 1

export class SignalIds {
  readonly #clock: Clock
  readonly #random: Random
  #time = 0
  #count = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  next(): string {
    // A clock that is set back does not turn the order round.
    const time = Math.max(this.#clock.now(), this.#time)
    this.#count = time === this.#time ? this.#count + 1 : 0
    this.#time = time
    if (this.#count > COUNT_MAX) {
      this.#time += 1
      this.#count = 0
    }
    return written(this.#time, 10) + written(this.#count, 4) + this.#chance(12)
  }

  #chance(length: number): string {
    return Array.from({ length }, () => ALPHABET.charAt(integerBetween(this.#random, 0, 31))).join(
      '',
    )
  }
}

function written(number: number, length: number): string {
  let text = ''
  let rest = Math.floor(number)
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}
