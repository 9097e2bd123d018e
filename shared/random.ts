/** Randomness as a part that is handed in: the machine's in production, a seed's in tests. */

export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** An identifier of 120 bits, written in 20 characters of [0-9A-Za-z_-]; safe in names and URLs. */
  id(): string
}

// 64 characters, so that six random bits pick one without bias.
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-'
const ID_LENGTH = 20

export const systemRandom: Random = {
  next: () => Math.random(),
  id() {
    const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH))
    let text = ''
    for (const byte of bytes) text += alphabet.charAt(byte & 63)
    return text
  },
}

/** The same numbers for the same seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    id: () => Array.from({ length: ID_LENGTH }, () => alphabet.charAt(next() * 64)).join(''),
  }
}

/** A whole number in [min, max]. */
export function integerBetween(random: Random, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1))
}

/** One of `items`; throws a `RangeError` when there is none. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)]
  if (item === undefined) throw new RangeError('cannot pick from an empty list')
  return item
}
