/** Whose key is this? Quick for keys that were seen before, and no way to keep the server busy. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { ApiKey, StoredKey } from './api-key.ts'
import type { SecretHasher } from './secret-hasher.ts'
import { digest, readSecret, type SecretText } from './secrets.ts'
import type { TokenDatabase } from './tables.ts'
import { WRONG_PER_ADDRESS_MAX, type Tries } from './tries.ts'

export type KeyCheckerOptions = {
  readonly find: (id: string) => Promise<StoredKey | undefined>
  readonly database: TokenDatabase
  readonly hasher: SecretHasher
  readonly tries: Tries
  readonly clock: Clock
  readonly log: Logger
}

/** What a row says is believed for so long; what is revoked is known sooner. */
const ROW_MS = 2_000
const KEPT_MAX = 1_000
const LAST_USED_MS = 60_000
/** Wrong ones within a minute, from wherever. */
const WRONG_PER_KEY_MAX = 100

export class KeyChecker {
  readonly #options: KeyCheckerOptions
  /**
   * Digests of secrets that were right, by key: who knows the same one again needs no scrypt. So
   * wrong tries, however many, do not keep out who came before.
   */
  readonly #right = new Map<string, string>()
  readonly #rows = new Map<string, { readonly key: StoredKey; readonly until: number }>()
  /** By key and digest: a secret that is right for one key says nothing of another. */
  readonly #proving = new Map<string, Promise<boolean>>()
  readonly #usedAt = new Map<string, number>()
  readonly #writes = new Set<Promise<void>>()

  constructor(options: KeyCheckerOptions) {
    this.#options = options
  }

  /**
   * Throws TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED; SLOW_DOWN when there were too many wrong
   * ones, of this address or for this key.
   */
  async check(text: string, address: string | null): Promise<ApiKey> {
    const parts = readSecret('key', text)
    if (parts === undefined) throw wrongKey()
    const { id } = parts
    const isKnown = this.#right.get(id) === digest(parts.secret)
    if (!isKnown && !(await this.#proveOnce(parts, address))) throw wrongKey()
    const key = await this.#row(id)
    if (key === undefined) throw wrongKey()
    const now = this.#options.clock.now()
    if (key.revokedAt !== null) throw new WeftError('TOKEN_REVOKED', 'the API key was revoked')
    if (key.expiresAt !== null && now >= key.expiresAt) {
      throw new WeftError('TOKEN_EXPIRED', 'the API key has expired')
    }
    this.#noteUse(key, now)
    return key
  }

  /** Resolves when nothing is on its way to the database. */
  async settle(): Promise<void> {
    await Promise.all(this.#writes)
  }

  /** Many requests with one key, at the start of a program, are one proof. */
  #proveOnce(parts: SecretText, address: string | null): Promise<boolean> {
    const given = `${parts.id} ${digest(parts.secret)}`
    const running = this.#proving.get(given)
    if (running !== undefined) return running
    const proof = this.#proveCounted(parts, address).finally(() => this.#proving.delete(given))
    this.#proving.set(given, proof)
    return proof
  }

  /** Counted before it is tried, so that a thousand at once are no more than one after the other. */
  async #proveCounted(parts: SecretText, address: string | null): Promise<boolean> {
    const { tries } = this.#options
    const limits = {
      [`address ${address ?? ''}`]: WRONG_PER_ADDRESS_MAX,
      [`key ${parts.id}`]: WRONG_PER_KEY_MAX,
    }
    for (const [who, max] of Object.entries(limits)) tries.require(who, max)
    for (const who of Object.keys(limits)) tries.count(who)
    let isWrong = false
    try {
      const isRight = await this.#prove(parts)
      isWrong = !isRight
      return isRight
    } finally {
      // One that could not be tried was not wrong.
      if (!isWrong) for (const who of Object.keys(limits)) tries.giveBack(who)
    }
  }

  async #prove({ id, secret }: SecretText): Promise<boolean> {
    const key = await this.#row(id)
    if (key === undefined) return false
    if (!(await this.#options.hasher.matches(secret, key.salt, key.hash))) return false
    remember(this.#right, id, digest(secret))
    return true
  }

  async #row(id: string): Promise<StoredKey | undefined> {
    const now = this.#options.clock.monotonic()
    const kept = this.#rows.get(id)
    if (kept !== undefined && now < kept.until) return kept.key
    const key = await this.#options.find(id)
    if (key === undefined) this.#rows.delete(id)
    else remember(this.#rows, id, { key, until: now + ROW_MS })
    return key
  }

  /** For people who wonder which keys are still needed: at most one write a minute. */
  #noteUse({ id, lastUsedAt }: StoredKey, now: number): void {
    const before = Math.max(this.#usedAt.get(id) ?? 0, lastUsedAt ?? 0)
    if (now - before < LAST_USED_MS) return
    remember(this.#usedAt, id, now)
    const { database, log } = this.#options
    const writing = database.db
      .updateTable('api_keys')
      .set({ last_used_at: now })
      .where('id', '=', id)
      .execute()
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error, key: id }, 'the use of a key was not stored'),
      )
      .finally(() => this.#writes.delete(writing))
    this.#writes.add(writing)
  }
}

/** The newest last; the oldest goes when there are too many. */
function remember<Value>(kept: Map<string, Value>, id: string, value: Value): void {
  kept.delete(id)
  kept.set(id, value)
  const [oldest] = kept.keys()
  if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest)
}

const wrongKey = () => new WeftError('TOKEN_INVALID', 'the API key is wrong')
