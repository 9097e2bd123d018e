/**
 * scrypt, slow on purpose, and so never more than a few at once: the threads it runs on are those
 * of the file system and of names too, and a flood of wrong keys must leave some of them free.
 */
import { scrypt } from 'node:crypto'
import { WeftError } from '../../../shared/errors.ts'
import { isSame } from './secrets.ts'

export type HasherLimits = {
  /** Running at once. */
  readonly runningMax: number
  /** Waiting for their turn; more are refused. */
  readonly waitingMax: number
}

/** Of Node's four threads two stay free. */
const DEFAULT_LIMITS: HasherLimits = { runningMax: 2, waitingMax: 32 }

const KEY_BYTES = 32
/** 16 MiB and some 50 ms each. The name of the cost is stored with the hash, so that it can grow. */
const cost = { N: 1 << 14, r: 8, p: 1 }
const PREFIX = 'scrypt-14-8-1:'

export class SecretHasher {
  readonly #limits: HasherLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: HasherLimits = DEFAULT_LIMITS) {
    this.#limits = limits
  }

  /** Throws SLOW_DOWN when too many wait. */
  async hash(secret: string, salt: string): Promise<string> {
    await this.#turn()
    try {
      return PREFIX + (await derive(secret, salt)).toString('base64url')
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  /** Throws SLOW_DOWN when too many wait. */
  async matches(secret: string, salt: string, hash: string): Promise<boolean> {
    return isSame(await this.hash(secret, salt), hash)
  }

  /** Whoever ends hands its place to the next, so `#running` is right at every moment. */
  async #turn(): Promise<void> {
    if (this.#running < this.#limits.runningMax) {
      this.#running += 1
      return
    }
    if (this.#waiting.length >= this.#limits.waitingMax) {
      throw new WeftError('SLOW_DOWN', 'too many keys are being checked', { retryAfterMs: 1_000 })
    }
    await new Promise<void>(resolve => void this.#waiting.push(resolve))
  }
}

function derive(secret: string, salt: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, cost, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
