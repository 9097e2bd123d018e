/** The only door: every socket and every request asks here who it is and what it may do. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import { decide, decideServer, type Decision } from '../../shared/decide.ts'
import type { Capability, Principal, ServerRole } from '../../shared/permissions.ts'
import type { TokenVerifier } from './token-verifier.ts'

export type Gatekeeper = {
  /**
   * Who holds this token or API key? The address is the client's, as far as it is known. Throws
   * TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED.
   */
  identify(token: string, address?: string | null): Promise<Principal>
  /** May they? An answer, for showing and for choosing. */
  decide(principal: Principal, resource: DocumentName, capability: Capability): Decision
  /** They must: throws TOKEN_EXPIRED or FORBIDDEN when they may not. */
  require(principal: Principal, resource: DocumentName, capability: Capability): void
  /** They must have one of these roles on the server: throws as `require` does. */
  requireRole(principal: Principal, roles: readonly ServerRole[]): void
}

export function createGatekeeper(verifier: TokenVerifier, clock: Clock): Gatekeeper {
  const answer = (principal: Principal, resource: DocumentName, capability: Capability) =>
    decide({ principal, rules: [], resource, capability, at: clock.now(), address: null })
  const refuse = (principal: Principal, sentence: string) => {
    if (clock.now() < principal.writesUntil) return new WeftError('FORBIDDEN', sentence)
    return new WeftError('TOKEN_EXPIRED', 'the token has expired')
  }
  return {
    identify: (token, address = null) => verifier.verify(token, address),
    decide: answer,
    require(principal, resource, capability) {
      const decision = answer(principal, resource, capability)
      if (decision.allowed) return
      throw refuse(principal, `${capability} of ${quoteName(resource)}: ${decision.because}`)
    },
    requireRole(principal, roles) {
      const decision = decideServer({
        principal,
        rules: [],
        roles,
        at: clock.now(),
        address: null,
      })
      if (!decision.allowed) throw refuse(principal, decision.because)
    },
  }
}
