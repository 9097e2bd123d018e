/** Signs the tokens of the service: with the secret of the settings, or with keys of its own. */
import { SignJWT, type JWTPayload } from 'jose'
import type { PublicKeySet, SigningKeys } from './signing-keys.ts'

/** The issuer of its tokens when the settings name none. */
export const OWN_ISSUER = 'weft'

export type TokenSigner = {
  /** `iat` and `exp` are the caller's, in seconds. */
  sign(claims: JWTPayload): Promise<string>
  /** What others need to check its tokens; no key of it is secret. */
  keySet(): PublicKeySet
}

export type SignerOptions = {
  readonly issuer: string | undefined
  readonly audience: string | undefined
}

export function createSecretSigner(secret: string, options: SignerOptions): TokenSigner {
  const key = new TextEncoder().encode(secret)
  return {
    sign: claims =>
      prepared(claims, options).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key),
    keySet: () => ({ keys: [] }),
  }
}

export function createKeySigner(keys: SigningKeys, options: SignerOptions): TokenSigner {
  return {
    async sign(claims) {
      const { kid, privateKey } = await keys.current()
      const header = { alg: 'EdDSA', typ: 'JWT', kid }
      return prepared(claims, options).setProtectedHeader(header).sign(privateKey)
    },
    keySet: () => keys.keySet(),
  }
}

function prepared(claims: JWTPayload, { issuer = OWN_ISSUER, audience }: SignerOptions): SignJWT {
  const token = new SignJWT(claims).setIssuer(issuer)
  return audience === undefined ? token : token.setAudience(audience)
}
