/** The only door: every socket and every request asks here who it is and what it may do. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import { decide, type Capability, type Decision, type Principal } from '../../shared/permissions.ts'
import type { TokenVerifier } from './token-verifier.ts'

export type Gatekeeper = {
  /** Who holds this token? Throws TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED. */
  identify(token: string): Promise<Principal>
  /** May they? An answer, for showing and for choosing. */
  decide(principal: Principal, resource: DocumentName, capability: Capability): Decision
  /** They must: throws TOKEN_EXPIRED or FORBIDDEN when they may not. */
  require(principal: Principal, resource: DocumentName, capability: Capability): void
}

export function createGatekeeper(verifier: TokenVerifier, clock: Clock): Gatekeeper {
  const answer = (principal: Principal, resource: DocumentName, capability: Capability) =>
    decide({ principal, resource, capability, at: clock.now() })
  return {
    identify: token => verifier.verify(token),
    decide: answer,
    require(principal, resource, capability) {
      const decision = answer(principal, resource, capability)
      if (decision.allowed) return
      if (clock.now() >= principal.expiresAt) {
        throw new WeftError('TOKEN_EXPIRED', 'the token has expired')
      }
      const sentence = `${capability} of ${quoteName(resource)}: ${decision.because}`
      throw new WeftError('FORBIDDEN', sentence)
    },
  }
}
