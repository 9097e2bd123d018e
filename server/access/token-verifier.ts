/** The only file that reads tokens: signature, algorithm, issuer, audience and time, then claims. */
import {
  errors,
  jwtVerify,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { unreachable } from '../../shared/assert.ts'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Guard } from '../base/breaker.ts'
import { fileKeys, remoteKeys } from './token-keys.ts'
import { TOLERANCE_SECONDS, toPrincipal, tokenClaims } from './token-claims.ts'

export type TokenKeys =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'jwks'; readonly url: string }
  /** A JSON Web Key Set or PEM. */
  | { readonly kind: 'file'; readonly path: string }
  /** Keys of this installation, for tokens of one issuer whatever the settings say. */
  | { readonly kind: 'own'; readonly resolve: JWTVerifyGetKey; readonly issuer: string }

export type TokenVerifierOptions = {
  /** Every way in which a token may be signed; at least one. */
  readonly keys: readonly TokenKeys[]
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** Seconds from `iat` (without it: from now) to `exp`, at most. */
  readonly maxAgeSeconds?: number
  readonly clock: Clock
  /** Around every fetch of a key set: a circuit breaker. */
  readonly guard?: Guard | undefined
}

/** Longer ones are refused unread. */
const TOKEN_CHARACTERS_MAX = 16_384

/**
 * Pinned by the kind of key, so that nobody's public key is ever taken for an HMAC secret
 * (RFC 8725, section 3.1), and `alg: none` is nothing we know.
 */
const algorithms = {
  secret: ['HS256'],
  jwks: ['RS256', 'ES256', 'EdDSA'],
  file: ['RS256', 'ES256', 'EdDSA'],
  own: ['EdDSA'],
} as const

/** Of access tokens (RFC 9068), and of those that say nothing; an ID token is none. */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt'])
/** With them a token brings, or names, the key that it wants to be checked with. */
const ownKeys = ['jwk', 'jku', 'x5c', 'x5u'] as const

export type TokenVerifier = {
  /**
   * `address` is the client's, null when nobody knows it. Throws TOKEN_MISSING, TOKEN_EXPIRED,
   * TOKEN_INVALID, TOKEN_REVOKED, and SLOW_DOWN or DEPENDENCY_UNAVAILABLE when the keys cannot be
   * had, or there were too many wrong ones.
   */
  verify(token: string, address?: string | null): Promise<Principal>
}

type Way = {
  readonly key: Uint8Array | JWTVerifyGetKey
  readonly algorithms: readonly string[]
  readonly issuer: string | undefined
}

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const ways = options.keys.map(keys => wayOf(keys, options))
  return {
    async verify(token) {
      if (token === '') throw new WeftError('TOKEN_MISSING', 'no token was given')
      if (token.length > TOKEN_CHARACTERS_MAX) {
        throw new WeftError('TOKEN_INVALID', 'the token is too long')
      }
      let refusal: unknown
      for (const way of ways) {
        try {
          return await verifyOne(token, way, options)
        } catch (error) {
          // The way that knows the algorithm says why; the others only say that it is not theirs.
          if (refusal === undefined || !isForeign(error)) refusal = error
          if (isDecisive(error)) break
        }
      }
      throw toRefusal(refusal)
    },
  }
}

function wayOf(keys: TokenKeys, options: TokenVerifierOptions): Way {
  const { clock, issuer, guard = action => action() } = options
  const pinned = { algorithms: algorithms[keys.kind], issuer }
  switch (keys.kind) {
    case 'secret':
      return { ...pinned, key: new TextEncoder().encode(keys.secret) }
    case 'jwks':
      return { ...pinned, key: remoteKeys(keys.url, { clock, guard }) }
    case 'file':
      return { ...pinned, key: fileKeys(keys.path, clock) }
    case 'own':
      return { ...pinned, key: keys.resolve, issuer: keys.issuer }
    default:
      return unreachable(keys)
  }
}

async function verifyOne(token: string, way: Way, options: TokenVerifierOptions) {
  const { audience, clock } = options
  const { key, issuer } = way
  const checks: JWTVerifyOptions = {
    algorithms: [...way.algorithms],
    clockTolerance: TOLERANCE_SECONDS,
    currentDate: new Date(clock.now()),
    requiredClaims: ['sub', 'exp'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  const { payload, protectedHeader } =
    typeof key === 'function'
      ? await verifyBySet(token, key, checks)
      : await jwtVerify(token, key, checks)
  checkHeader(protectedHeader)
  checkLife(payload, options)
  const claims = tokenClaims.safeParse(payload)
  if (claims.success) return toPrincipal(claims.data, { claims: payload, at: clock.now() })
  const [issue] = claims.error.issues
  const where = issue?.path.join('.') ?? 'claims'
  throw new WeftError('TOKEN_INVALID', `the token's ${where}: ${issue?.message ?? 'unreadable'}`)
}

/** Keys without a kid, or tokens without one: each that could be it is tried. */
async function verifyBySet(token: string, key: JWTVerifyGetKey, checks: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, key, checks)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const one of error) {
      try {
        return await jwtVerify(token, one, checks)
      } catch (refusal) {
        if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) throw refusal
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** Throws TOKEN_INVALID. The signature is right; it is another kind of token, or says too much. */
function checkHeader(header: JWTHeaderParameters): void {
  const type = header.typ?.toLowerCase().replace(/^application\//, '') ?? 'jwt'
  if (!types.has(type)) {
    throw new WeftError('TOKEN_INVALID', 'it is another kind of token: its typ is not accepted')
  }
  if (ownKeys.some(name => header[name] !== undefined)) {
    throw new WeftError('TOKEN_INVALID', 'the token brings a key of its own')
  }
}

/** Throws TOKEN_INVALID. A token that lives for years is a password that nobody changes. */
function checkLife({ iat, exp = 0 }: JWTPayload, { clock, maxAgeSeconds }: TokenVerifierOptions) {
  const now = clock.now() / 1_000
  if (iat !== undefined && iat > now + TOLERANCE_SECONDS) {
    throw new WeftError('TOKEN_INVALID', 'the token was issued in the future')
  }
  if (maxAgeSeconds === undefined || exp - (iat ?? now) <= maxAgeSeconds + TOLERANCE_SECONDS) return
  const sentence = `the token is for longer than ${maxAgeSeconds} s (WEFT_JWT_MAX_AGE_S)`
  throw new WeftError('TOKEN_INVALID', sentence)
}

function isDecisive(error: unknown): boolean {
  return (
    error instanceof WeftError ||
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed
  )
}

function isForeign(error: unknown): boolean {
  return error instanceof errors.JOSEAlgNotAllowed
}

/** Says what is wrong in our words: a token's content never reaches an error. */
function toRefusal(error: unknown): WeftError {
  if (error instanceof WeftError) return error
  if (error instanceof errors.JWTExpired) {
    return new WeftError('TOKEN_EXPIRED', 'the token has expired')
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new WeftError('TOKEN_INVALID', `the token's ${error.claim} is not accepted`)
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new WeftError('TOKEN_INVALID', "the token's algorithm is not accepted")
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return new WeftError('TOKEN_INVALID', 'no key of the key set fits the token')
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new WeftError('TOKEN_INVALID', "the token's signature is wrong")
  }
  if (isKeySetAway(error)) {
    return new WeftError('SLOW_DOWN', 'the key set cannot be read just now', {
      retryAfterMs: 2_000,
    })
  }
  return new WeftError('TOKEN_INVALID', 'the token cannot be read')
}

/** What `fetch` throws when a host is away, and jose when it answers with anything but a key set. */
function isKeySetAway(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true
  if (error instanceof errors.JOSEError) return error.code === 'ERR_JOSE_GENERIC'
  return error instanceof TypeError && error.message.includes('fetch')
}
