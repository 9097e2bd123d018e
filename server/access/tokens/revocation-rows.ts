/** How a revocation is stored. */
import { sql } from 'kysely'
import type { TokenDatabase, TokenTransaction } from './tables.ts'

/** `client`: all tokens that one line of API keys made. */
export const revocationKinds = ['token', 'subject', 'client'] as const
export type RevocationKind = (typeof revocationKinds)[number]

export type Revocation = {
  readonly kind: RevocationKind
  /** The token's `jti`, its `sub`, or the line of keys that made it. */
  readonly value: string
  /** Only tokens that this line of keys made; null: whoever made them. */
  readonly client: string | null
  /** What was issued up to then is taken back, ms since 1970. */
  readonly at: number
}

/** As long as refresh tokens live, and longer than any access token should. */
export const REVOKED_MS = 30 * 24 * 3600 * 1000

/**
 * To be called after all other changes of the transaction but the audit: they are stored in the
 * order of their numbers, so that who has read one has read all before it.
 */
export async function takeBack(
  trx: TokenTransaction,
  dialect: TokenDatabase['dialect'],
  revocations: readonly Revocation[],
): Promise<void> {
  if (dialect === 'postgres') await sql`LOCK TABLE revocations IN EXCLUSIVE MODE`.execute(trx)
  await trx
    .insertInto('revocations')
    .values(
      revocations.map(({ kind, value, client, at }) => ({
        kind,
        value,
        client,
        before: at,
        until: at + REVOKED_MS,
      })),
    )
    .execute()
}
