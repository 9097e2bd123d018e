/** Takes API keys where tokens are taken, and neither when it was taken back. */
import { WeftError } from '../../../shared/errors.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { TokenVerifier } from '../token-verifier.ts'
import { principalOfKey } from './api-key.ts'
import type { KeyChecker } from './key-checker.ts'
import type { Revocations } from './revocations.ts'
import { looksLikeKey } from './secrets.ts'

export type KeyedVerifierParts = {
  readonly verifier: TokenVerifier
  readonly keys: Pick<KeyChecker, 'check'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
}

export function createKeyedVerifier(parts: KeyedVerifierParts): TokenVerifier {
  const { verifier, keys, revocations } = parts
  const identify = async (token: string, address: string | null): Promise<Principal> =>
    looksLikeKey(token)
      ? principalOfKey(await keys.check(token, address))
      : verifier.verify(token, address)
  return {
    async verify(token, address = null) {
      const principal = await identify(token, address)
      if (!revocations.isRevoked(principal)) return principal
      throw new WeftError('TOKEN_REVOKED', 'the token was taken back')
    },
  }
}
