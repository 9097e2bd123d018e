/**
 * The Ed25519 keys of an installation. A new one is published before it signs, so that whoever
 * checks tokens knows it by then; an old one is good for checking until its last token is over.
 */
import {
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import type { Insertable } from 'kysely'
import type { Clock } from '../../../shared/clock.ts'
import { assert } from '../../../shared/assert.ts'
import { newId, type Entropy } from './secrets.ts'
import {
  toInstant,
  type Actor,
  type Row,
  type TokenDatabase,
  type TokenTables,
  type WriteAudit,
} from './tables.ts'

export type SigningKeysOptions = {
  readonly database: TokenDatabase
  readonly audit: WriteAudit
  readonly clock: Clock
  readonly entropy: Entropy
  /** Of the longest token, with what clocks may differ. */
  readonly tokenMs: number
}

/** As RFC 8037 writes it; no part of it is secret. */
export type PublicJwk = {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly kid: string
  readonly alg: string
  readonly use: string
}

export type PublicKeySet = { readonly keys: readonly PublicJwk[] }

type SigningKey = {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly publicJwk: PublicJwk
  readonly signsFrom: number
  readonly verifiesUntil: number | null
}

const ALGORITHM = 'EdDSA'
/** Longer than anybody keeps the answer of `/.well-known/jwks.json`. */
const PUBLISHED_BEFORE_MS = 5 * 60_000
/** For a token of an unknown key the store is asked at most that often. */
const RELOAD_MS = 1_000

export class SigningKeys {
  readonly #options: SigningKeysOptions
  #keys: ReadonlyMap<string, SigningKey> = new Map()
  #loadedAt = -Infinity
  #loading: Promise<void> | undefined

  constructor(options: SigningKeysOptions) {
    this.#options = options
  }

  /** Reads them from the store, and makes the first. */
  async start(): Promise<void> {
    await this.load()
    if (this.#keys.size > 0) return
    // Several servers that start together make one each, and all of them are good.
    const { database, clock } = this.#options
    const first = await this.#make(clock.now())
    await database.db.transaction().execute(async trx => {
      await trx.insertInto('signing_keys').values(first).execute()
    })
    await this.load()
  }

  load(): Promise<void> {
    return (this.#loading ??= this.#load().finally(() => (this.#loading = undefined)))
  }

  /** The one that signs now. */
  async current(): Promise<{ readonly kid: string; readonly privateKey: CryptoKey }> {
    const now = this.#options.clock.now()
    const [newest] = [...this.#keys.values()]
      .filter(({ signsFrom }) => signsFrom <= now)
      .toSorted((a, b) => b.signsFrom - a.signsFrom || (a.kid < b.kid ? -1 : 1))
    assert(newest !== undefined, 'the signing keys have not been loaded')
    return newest
  }

  /** For jose: by the token's `kid`, which another server may have made a moment ago. */
  readonly resolve: JWTVerifyGetKey = async ({ kid = '' }) => {
    if (!this.#keys.has(kid)) await this.#reload()
    const key = this.#keys.get(kid)
    if (key === undefined || this.#isOver(key)) throw new errors.JWKSNoMatchingKey()
    return key.publicKey
  }

  keySet(): PublicKeySet {
    const good = [...this.#keys.values()].filter(key => !this.#isOver(key))
    return { keys: good.map(({ publicJwk }) => publicJwk) }
  }

  /** Makes another one, which signs in a few minutes; until then it is only known. */
  async rotate(by: Actor): Promise<string> {
    const { database, audit, clock, tokenMs } = this.#options
    const at = clock.now()
    const signsFrom = at + PUBLISHED_BEFORE_MS
    const made = await this.#make(signsFrom)
    const { kid } = made
    await database.db.transaction().execute(async trx => {
      await trx
        .updateTable('signing_keys')
        .set({ verifies_until: signsFrom + tokenMs })
        .where('verifies_until', 'is', null)
        .execute()
      await trx.insertInto('signing_keys').values(made).execute()
      await audit(trx, { at, actor: by, action: 'signing-key.rotate', details: { kid } })
    })
    await this.load()
    return kid
  }

  /** Deletes those whose tokens are all over. */
  async sweep(): Promise<void> {
    const { database, clock } = this.#options
    await database.db.deleteFrom('signing_keys').where('verifies_until', '<', clock.now()).execute()
  }

  #isOver({ verifiesUntil }: SigningKey): boolean {
    return verifiesUntil !== null && verifiesUntil < this.#options.clock.now()
  }

  async #reload(): Promise<void> {
    if (this.#options.clock.monotonic() - this.#loadedAt >= RELOAD_MS) await this.load()
  }

  async #load(): Promise<void> {
    const { database, clock } = this.#options
    this.#loadedAt = clock.monotonic()
    const rows = await database.db.selectFrom('signing_keys').selectAll().execute()
    const keys = await Promise.all(rows.map(row => this.#keyOf(row)))
    this.#keys = new Map(keys.map(key => [key.kid, key]))
  }

  async #keyOf(row: Row<'signing_keys'>): Promise<SigningKey> {
    const publicJwk = JSON.parse(row.public_jwk) as PublicJwk
    const known = this.#keys.get(row.kid)
    return {
      kid: row.kid,
      privateKey: known?.privateKey ?? (await keyFrom(JSON.parse(row.private_jwk) as JWK)),
      publicKey: known?.publicKey ?? (await keyFrom(publicJwk)),
      publicJwk,
      signsFrom: Number(row.signs_from),
      verifiesUntil: toInstant(row.verifies_until),
    }
  }

  async #make(signsFrom: number): Promise<Insertable<TokenTables['signing_keys']>> {
    const { clock, entropy } = this.#options
    const kid = newId(entropy)
    const pair = await generateKeyPair(ALGORITHM, { extractable: true })
    const shown = { kid, alg: ALGORITHM, use: 'sig' }
    return {
      kid,
      private_jwk: JSON.stringify(await exportJWK(pair.privateKey)),
      public_jwk: JSON.stringify({ ...(await exportJWK(pair.publicKey)), ...shown }),
      created_at: clock.now(),
      signs_from: signsFrom,
    }
  }
}

async function keyFrom(jwk: JWK | PublicJwk): Promise<CryptoKey> {
  const key = await importJWK(jwk, ALGORITHM)
  assert(!(key instanceof Uint8Array), 'a signing key is no secret')
  return key
}
