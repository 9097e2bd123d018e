/** Makes tokens for development: whoever may reach the loopback address may be anybody. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import type { Clock } from '../../shared/clock.ts'
import type { Grant, PrincipalKind } from '../../shared/permissions.ts'

export type TokenOrder = {
  readonly sub: string
  readonly name?: string | undefined
  readonly color?: string | undefined
  readonly avatar?: string | undefined
  readonly kind?: PrincipalKind | undefined
  readonly grants?: readonly Grant[] | undefined
  readonly groups?: readonly string[] | undefined
  /** The token's `jti`, by which it can be revoked. */
  readonly id?: string | undefined
  /** Seconds until the token ends; an hour unless said otherwise. */
  readonly ttl?: number | undefined
}

export type TokenMint = (order: TokenOrder) => Promise<string>

export type TokenMintOptions = {
  readonly secret: string
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly clock: Clock
}

const everything: readonly Grant[] = [{ resource: '**', role: 'owner' }]
const TTL_SECONDS = 3600

export function createTokenMint({ secret, issuer, audience, clock }: TokenMintOptions): TokenMint {
  const key = new TextEncoder().encode(secret)
  return order => {
    const { sub, name, color, avatar, groups, id } = order
    const { kind = 'user', grants = everything, ttl = TTL_SECONDS } = order
    const issuedAt = Math.floor(clock.now() / 1000)
    const claims = {
      kind,
      grants,
      ...(name === undefined ? {} : { name }),
      ...(color === undefined ? {} : { color }),
      ...(avatar === undefined ? {} : { avatar }),
      ...(groups === undefined ? {} : { groups }),
    }
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(sub)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ttl)
    if (id !== undefined) token.setJti(id)
    if (issuer !== undefined) token.setIssuer(issuer)
    if (audience !== undefined) token.setAudience(audience)
    return token.sign(key)
  }
}

/**
 * The secret of development tokens, made once a data folder, so that tokens outlive a restart of
 * the server. Only the owner of the folder can read it.
 */
export function developmentSecret(dataDir: string): string {
  const file = join(dataDir, 'dev-secret')
  mkdirSync(dataDir, { recursive: true })
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  }
  return readFileSync(file, 'utf8').trim()
}
