/** The tables of the token service, and what it asks of the rooms below. */
import type { ColumnType, Kysely, Selectable, Transaction } from 'kysely'
import type { PrincipalKind } from '../../../shared/permissions.ts'

/** Ms since 1970. Postgres answers big integers as text. */
type Instant = ColumnType<number | string, number, number>
type MaybeInstant = ColumnType<number | string | null, number | null, number | null>

export type TokenTables = {
  api_keys: {
    id: string
    line: string
    name: string
    hash: string
    salt: string
    scopes: string
    created_by: string
    created_at: Instant
    expires_at: MaybeInstant
    last_used_at: MaybeInstant
    revoked_at: MaybeInstant
    replaced_by: string | null
  }
  refresh_tokens: {
    id: string
    family: string
    subject: string
    client: string
    principal: string
    hash: string
    seed: string | null
    created_at: Instant
    expires_at: Instant
    used_at: MaybeInstant
    revoked_at: MaybeInstant
    replaced_by: string | null
  }
  revocations: {
    seq: ColumnType<number | string, never, never>
    kind: string
    value: string
    client: string | null
    before: Instant
    until: Instant
  }
  signing_keys: {
    kid: string
    private_jwk: string
    public_jwk: string
    created_at: Instant
    signs_from: Instant
    verifies_until: MaybeInstant
  }
}

export type Row<Table extends keyof TokenTables> = Selectable<TokenTables[Table]>
export type TokenTransaction = Transaction<TokenTables>

export type TokenDatabase = {
  readonly db: Kysely<TokenTables>
  readonly dialect: 'sqlite' | 'postgres'
}

/** Whoever does something that is written down. */
export type Actor = { readonly id: string; readonly kind: PrincipalKind }

export type TokenEvent = {
  readonly at: number
  readonly actor: Actor
  readonly action:
    | 'key.create'
    | 'key.rotate'
    | 'key.revoke'
    | 'token.issue'
    | 'token.revoke'
    | 'token.reuse'
    | 'signing-key.rotate'
  /** Ids and names; never a secret, nor a hash of one. */
  readonly details: Readonly<Record<string, unknown>>
}

/** Writes it down inside the transaction: the change and its row are there together or not at all. */
export type WriteAudit = (trx: TokenTransaction, event: TokenEvent) => Promise<void>

export const toInstant = (value: number | string | null): number | null =>
  value === null ? null : Number(value)
