/**
 * Refresh tokens: each is good once, and the next one comes with the answer. One that is shown
 * again later is in two hands, so the whole family is taken back.
 *
 * Two requests of one honest client in the same moment get the same successor: it is made of the
 * token, which only the client has, and of the seed in the row, so any server can make it again
 * for a few seconds, as long as nobody used it. Neither is enough alone.
 */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import { REVOKED_MS, takeBack, type Revocation } from './revocation-rows.ts'
import {
  digest,
  isSame,
  newId,
  newSecret,
  readSecret,
  successorOf,
  writeSecret,
  type Entropy,
  type SecretText,
} from './secrets.ts'
import type { Actor, Row, TokenDatabase, TokenTransaction, WriteAudit } from './tables.ts'

export type RefreshTokensOptions = {
  readonly database: TokenDatabase
  readonly audit: WriteAudit
  readonly clock: Clock
  readonly entropy: Entropy
  /** Of the longest access token, with what clocks may differ. */
  readonly tokenMs: number
}

export type FamilyOrder = {
  readonly subject: string
  /** The line of API keys that asked for it. */
  readonly client: string
  /** What its tokens say, as JSON. */
  readonly principal: string
  readonly by: Actor
}

export type Refreshed = {
  /** Also the `jti` of the access token that goes with it, so that both are taken back together. */
  readonly id: string
  readonly text: string
  /** The family's, in ms since 1970. */
  readonly expiresAt: number
  readonly client: string
  readonly principal: string
}

/** The end of a family, however often it is refreshed. */
const FAMILY_MS = REVOKED_MS
const GRACE_MS = 10_000

type Outcome =
  | { readonly kind: 'refreshed'; readonly refreshed: Refreshed }
  | { readonly kind: 'refused'; readonly refusal: WeftError }

export class RefreshTokens {
  readonly #options: RefreshTokensOptions

  constructor(options: RefreshTokensOptions) {
    this.#options = options
  }

  /** The first token of a family. */
  async begin({ subject, client, principal, by }: FamilyOrder): Promise<Refreshed> {
    const { database, audit, clock, entropy } = this.#options
    const at = clock.now()
    const parts = { id: newId(entropy), secret: newSecret(entropy) }
    const family = { family: parts.id, subject, client, principal, expires_at: at + FAMILY_MS }
    await database.db.transaction().execute(async trx => {
      await this.#insert(trx, parts, family)
      const details = { subject, family: parts.id }
      await audit(trx, { at, actor: by, action: 'token.issue', details })
    })
    return refreshedOf(parts, family)
  }

  /**
   * The next one. Throws TOKEN_INVALID; TOKEN_EXPIRED at the end of the family; TOKEN_REVOKED when
   * it was taken back, or is now because this one was used before.
   */
  async next(text: string): Promise<Refreshed> {
    const parts = readSecret('refresh', text)
    if (parts === undefined) throw wrongToken()
    const { database } = this.#options
    // What a refusal has changed is kept: it is thrown when that is stored.
    const outcome = await database.db.transaction().execute(trx => this.#take(trx, parts))
    if (outcome.kind === 'refused') throw outcome.refusal
    return outcome.refreshed
  }

  /** Deletes families that are over. */
  async sweep(): Promise<void> {
    const { database, clock } = this.#options
    await database.db.deleteFrom('refresh_tokens').where('expires_at', '<', clock.now()).execute()
  }

  /** Writes first, so that of two at once exactly one finds it unused, on either database. */
  async #take(trx: TokenTransaction, parts: SecretText): Promise<Outcome> {
    const { clock, entropy } = this.#options
    const now = clock.now()
    const nextId = newId(entropy)
    const row = await trx
      .updateTable('refresh_tokens')
      .set({ used_at: now, replaced_by: nextId })
      .where('id', '=', parts.id)
      .where('hash', '=', digest(parts.secret))
      .where('used_at', 'is', null)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return this.#again(trx, parts)
    const next = { id: nextId, secret: successorOf(parts.secret, row.seed ?? '') }
    const family = { ...row, expires_at: Number(row.expires_at) }
    // Those before it can be made again no more.
    await trx
      .updateTable('refresh_tokens')
      .set({ seed: null })
      .where('family', '=', row.family)
      .where('id', '!=', row.id)
      .where('seed', 'is not', null)
      .execute()
    await this.#insert(trx, next, family)
    return { kind: 'refreshed', refreshed: refreshedOf(next, family) }
  }

  async #again(trx: TokenTransaction, parts: SecretText): Promise<Outcome> {
    const now = this.#options.clock.now()
    const row = await trx
      .selectFrom('refresh_tokens')
      .selectAll()
      .where('id', '=', parts.id)
      .executeTakeFirst()
    if (row === undefined || !isSame(row.hash, digest(parts.secret))) return refused(wrongToken())
    if (row.revoked_at !== null) return refused(takenBack())
    if (Number(row.expires_at) <= now) {
      return refused(new WeftError('TOKEN_EXPIRED', 'the refresh token has expired'))
    }
    if (now - Number(row.used_at) <= GRACE_MS) {
      const same = await this.#sameSuccessor(trx, row, parts)
      if (same !== undefined) return { kind: 'refreshed', refreshed: same }
    }
    await this.#revokeReused(trx, row, now)
    return refused(takenBack())
  }

  /** Undefined when it was used itself: then two hands are at work. */
  async #sameSuccessor(
    trx: TokenTransaction,
    row: Row<'refresh_tokens'>,
    { secret }: SecretText,
  ): Promise<Refreshed | undefined> {
    const next = await trx
      .selectFrom('refresh_tokens')
      .selectAll()
      .where('id', '=', row.replaced_by ?? '')
      .executeTakeFirst()
    // Whoever used the next one has erased the seed.
    if (next === undefined || row.seed === null) return undefined
    const parts = { id: next.id, secret: successorOf(secret, row.seed) }
    return refreshedOf(parts, { ...next, expires_at: Number(next.expires_at) })
  }

  async #revokeReused(
    trx: TokenTransaction,
    { family, subject, client }: Row<'refresh_tokens'>,
    at: number,
  ): Promise<void> {
    const { database, audit, tokenMs } = this.#options
    const taken = await revokeFamilies(trx, { at, tokenMs }, { family })
    if (taken.length > 0) await takeBack(trx, database.dialect, taken)
    const actor: Actor = { id: subject, kind: 'user' }
    await audit(trx, { at, actor, action: 'token.reuse', details: { family, subject, client } })
  }

  async #insert(
    trx: TokenTransaction,
    { id, secret }: SecretText,
    { family, subject, client, principal, expires_at }: Family,
  ): Promise<void> {
    const { clock, entropy } = this.#options
    await trx
      .insertInto('refresh_tokens')
      .values({
        id,
        family,
        subject,
        client,
        principal,
        hash: digest(secret),
        seed: newSecret(entropy),
        created_at: clock.now(),
        expires_at,
      })
      .execute()
  }
}

type Family = Pick<Row<'refresh_tokens'>, 'family' | 'subject' | 'client' | 'principal'> & {
  readonly expires_at: number
}

export type Which =
  | { readonly family: string }
  | { readonly subject: string; readonly client: string | null }

export type RevokedAt = { readonly at: number; readonly tokenMs: number }

/** Takes families back; answers the access tokens of theirs that may not be over yet. */
export async function revokeFamilies(
  trx: TokenTransaction,
  { at, tokenMs }: RevokedAt,
  which: Which,
): Promise<readonly Revocation[]> {
  let change = trx
    .updateTable('refresh_tokens')
    .set({ revoked_at: at, seed: null })
    .where('revoked_at', 'is', null)
  if ('family' in which) change = change.where('family', '=', which.family)
  else change = change.where('subject', '=', which.subject)
  if ('client' in which && which.client !== null) change = change.where('client', '=', which.client)
  const rows = await change.returning(['id', 'created_at']).execute()
  // A token is made anew for as long as the one before it may be shown again.
  return rows
    .filter(row => Number(row.created_at) + tokenMs + GRACE_MS > at)
    .map(({ id }) => ({ kind: 'token', value: id, client: null, at }))
}

function refreshedOf(parts: SecretText, { client, principal, expires_at }: Family): Refreshed {
  const text = writeSecret('refresh', parts)
  return { id: parts.id, text, expiresAt: expires_at, client, principal }
}

const refused = (refusal: WeftError): Outcome => ({ kind: 'refused', refusal })
const wrongToken = () => new WeftError('TOKEN_INVALID', 'the refresh token is wrong')
const takenBack = () => new WeftError('TOKEN_REVOKED', 'the refresh token was taken back')
