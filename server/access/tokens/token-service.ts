/** Tokens for applications without a service of their own: made, refreshed, taken back. */
import { z } from 'zod'
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import { grantSchema, principalKinds, type Grant } from '../../../shared/permissions.ts'
import { personAvatar, personColor, TOLERANCE_SECONDS } from '../token-claims.ts'
import { KEY_SUBJECT, subjectOf, type ApiKey } from './api-key.ts'
import { firstBeyond, isUnlimited, limitsOf } from './key-authority.ts'
import { revokeFamilies, type Refreshed, type RefreshTokens } from './refresh-tokens.ts'
import { takeBack, type Revocation } from './revocation-rows.ts'
import { newId, type Entropy } from './secrets.ts'
import type { Actor, TokenDatabase, TokenTransaction, WriteAudit } from './tables.ts'
import type { TokenSigner } from './token-signer.ts'
import { WRONG_PER_ADDRESS_MAX, type Tries } from './tries.ts'

export const TTL_SECONDS_MAX = 900
/** The longest that a token of the service is taken, ms. */
export const TOKEN_MS = (TTL_SECONDS_MAX + TOLERANCE_SECONDS) * 1000

export const tokenSubject = z.string().min(1).max(200)

export const serviceTokenOrder = z.strictObject({
  sub: tokenSubject.refine(sub => !sub.startsWith(KEY_SUBJECT), {
    error: `subjects that begin with ${KEY_SUBJECT} are API keys`,
  }),
  name: z.string().min(1).max(64).optional(),
  color: personColor.optional(),
  avatar: personAvatar.optional(),
  kind: z.enum(principalKinds).optional(),
  tenant: z.string().min(1).max(64).optional(),
  groups: z.array(z.string().min(1).max(200)).max(100).optional(),
  grants: z.array(grantSchema).max(100).optional(),
  ttl: z.number().int().min(1).max(TTL_SECONDS_MAX).optional(),
  refresh: z.boolean().optional(),
})
export type ServiceTokenOrder = z.output<typeof serviceTokenOrder>

export type IssuedToken = {
  readonly token: string
  /** Ms since 1970, as the other. */
  readonly expiresAt: number
  readonly refresh: { readonly token: string; readonly expiresAt: number } | null
}

/** Which tokens to take back: one, or all of a subject that were issued up to now. */
export type RevokeOrder = { readonly jti: string } | { readonly sub: string }

export type Revoker = {
  readonly actor: Actor
  /** Only what this line of keys made; null: whatever it is. */
  readonly client: string | null
}

export type TokenServiceOptions = {
  readonly database: TokenDatabase
  readonly signer: TokenSigner
  readonly refreshTokens: RefreshTokens
  /** Resolves when everybody here lives by what was taken back. */
  readonly announce: () => Promise<void>
  /** Of wrong refresh tokens: each costs a transaction. */
  readonly tries: Tries
  readonly audit: WriteAudit
  readonly clock: Clock
  readonly entropy: Entropy
}

/** What is kept of an order for as long as it is refreshed. */
const keptClaims = serviceTokenOrder
  .omit({ refresh: true })
  .extend({ limits: z.array(grantSchema).optional() })
type KeptClaims = z.output<typeof keptClaims>

export class TokenService {
  readonly #options: TokenServiceOptions

  constructor(options: TokenServiceOptions) {
    this.#options = options
  }

  /** Throws FORBIDDEN when the key may not make tokens, or gives less than is asked for. */
  async issue(key: ApiKey, order: ServiceTokenOrder): Promise<IssuedToken> {
    requireMaker(key)
    const beyond = firstBeyond(key.authority, order.grants ?? [])
    if (beyond !== undefined) {
      const sentence = `${beyond.role} of ${beyond.resource} is more than the key may give`
      throw new WeftError('FORBIDDEN', sentence)
    }
    const { refresh = false, ...said } = order
    const kept: KeptClaims = { ...said, ...limited(key) }
    const { refreshTokens, entropy } = this.#options
    if (!refresh) return this.#sign(kept, { id: newId(entropy), client: key.line })
    const begun = await refreshTokens.begin({
      subject: order.sub,
      client: key.line,
      principal: JSON.stringify(kept),
      by: { id: subjectOf(key), kind: 'service' },
    })
    return this.#withRefresh(begun)
  }

  /** Throws as {@link RefreshTokens.next} does; SLOW_DOWN after too many wrong ones. */
  async refresh(text: string, address: string | null = null): Promise<IssuedToken> {
    const { refreshTokens, announce, tries } = this.#options
    const who = `refresh ${address ?? ''}`
    tries.require(who, WRONG_PER_ADDRESS_MAX)
    try {
      return await this.#withRefresh(await refreshTokens.next(text))
    } catch (error) {
      // Behind a proxy all have one address: what is only over or revoked is not held against it.
      if (error instanceof WeftError && error.code === 'TOKEN_INVALID') tries.count(who)
      // What it was reused for is refused from this moment on.
      if (error instanceof WeftError && error.code === 'TOKEN_REVOKED') await announce()
      throw error
    }
  }

  async revoke(order: RevokeOrder, { actor, client }: Revoker): Promise<void> {
    const { database, audit, clock, announce } = this.#options
    const at = clock.now()
    await database.db.transaction().execute(async trx => {
      const taken =
        'jti' in order
          ? await this.#revokeToken(trx, { value: order.jti, client, at })
          : await this.#revokeSubject(trx, { value: order.sub, client, at })
      await takeBack(trx, database.dialect, taken)
      await audit(trx, { at, actor, action: 'token.revoke', details: { ...order, client } })
    })
    await announce()
  }

  /** The token, and the refresh tokens that would bring it back. */
  async #revokeToken(trx: TokenTransaction, one: Target): Promise<readonly Revocation[]> {
    let find = trx.selectFrom('refresh_tokens').select('family').where('id', '=', one.value)
    if (one.client !== null) find = find.where('client', '=', one.client)
    const found = await find.executeTakeFirst()
    const others =
      found === undefined
        ? []
        : await revokeFamilies(trx, { at: one.at, tokenMs: TOKEN_MS }, { family: found.family })
    return [{ kind: 'token', ...one }, ...others.filter(({ value }) => value !== one.value)]
  }

  async #revokeSubject(trx: TokenTransaction, one: Target): Promise<readonly Revocation[]> {
    if (one.value.startsWith(KEY_SUBJECT)) {
      throw new WeftError('REQUEST_INVALID', 'an API key is revoked with DELETE /v1/keys/{id}')
    }
    const which = { subject: one.value, client: one.client }
    await revokeFamilies(trx, { at: one.at, tokenMs: TOKEN_MS }, which)
    return [{ kind: 'subject', ...one }]
  }

  async #withRefresh({ id, client, principal, text, expiresAt }: Refreshed): Promise<IssuedToken> {
    const kept = keptClaims.parse(JSON.parse(principal))
    const issued = await this.#sign(kept, { id, client })
    return { ...issued, refresh: { token: text, expiresAt } }
  }

  async #sign(
    { ttl = TTL_SECONDS_MAX, ...claims }: KeptClaims,
    { id, client }: { readonly id: string; readonly client: string },
  ): Promise<IssuedToken> {
    const { signer, clock } = this.#options
    const iat = Math.floor(clock.now() / 1000)
    const exp = iat + ttl
    const token = await signer.sign({ ...claims, jti: id, client_id: client, iat, exp })
    return { token, expiresAt: exp * 1000, refresh: null }
  }
}

type Target = { readonly value: string; readonly client: string | null; readonly at: number }

/** Throws FORBIDDEN. */
export function requireMaker({ authority }: ApiKey): void {
  if (authority.scopes.includes('tokens:create')) return
  throw new WeftError('FORBIDDEN', 'the API key lacks the scope tokens:create')
}

/** Left out where it would say nothing: every token has it on its way. */
function limited({ authority }: ApiKey): { readonly limits?: Grant[] } {
  return isUnlimited(authority) ? {} : { limits: [...limitsOf(authority)] }
}
