/** An API key as the server knows it: everything but the secret. */
import type { Principal } from '../../../shared/permissions.ts'
import { grantsOf, keyAuthority, type KeyAuthority } from './key-authority.ts'
import { toInstant, type Row } from './tables.ts'

export type ApiKey = {
  readonly id: string
  /** The id of the first key, which those that replaced it go on with. */
  readonly line: string
  readonly name: string
  readonly authority: KeyAuthority
  readonly createdBy: string
  /** All times in ms since 1970. */
  readonly createdAt: number
  readonly expiresAt: number | null
  /** To the minute. */
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
  readonly replacedBy: string | null
}

export type StoredKey = ApiKey & { readonly hash: string; readonly salt: string }

export function apiKeyOf(row: Row<'api_keys'>): ApiKey {
  return {
    id: row.id,
    line: row.line,
    name: row.name,
    authority: keyAuthority.parse(JSON.parse(row.scopes)),
    createdBy: row.created_by,
    createdAt: Number(row.created_at),
    expiresAt: toInstant(row.expires_at),
    lastUsedAt: toInstant(row.last_used_at),
    revokedAt: toInstant(row.revoked_at),
    replacedBy: row.replaced_by,
  }
}

/** The subjects of keys; no token has one of these, whoever signed it. */
export const KEY_SUBJECT = 'key:'

export const subjectOf = ({ line }: ApiKey): string => KEY_SUBJECT + line

/** Whoever holds the key: a service, with no more than the key says, whatever others are granted. */
export function principalOfKey(key: ApiKey): Principal {
  const expiresAt = key.expiresAt ?? Number.MAX_SAFE_INTEGER
  const grants = grantsOf(key.authority)
  return {
    id: subjectOf(key),
    name: key.name,
    color: null,
    avatar: null,
    kind: 'service',
    tenant: null,
    groups: [],
    grants,
    limits: grants,
    tokenId: key.id,
    issuer: null,
    claims: {},
    writesUntil: expiresAt,
    expiresAt,
  }
}
