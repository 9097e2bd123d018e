/** The only door: every socket and every request asks here who it is and what it may do. */
import type { Clock } from '../../shared/clock.ts'
import { ruledAs } from '../../shared/decide-system.ts'
import { decide, decideServer, type Decision, type Rule } from '../../shared/decide.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import {
  patternsOf,
  type Capability,
  type Principal,
  type ServerRole,
} from '../../shared/permissions.ts'
import { byPrincipal } from '../audit/audit-row.ts'
import { silentLog, type Logger } from '../base/log.ts'
import { noNote, type Note } from './note.ts'
import { Pass, type Situation } from './pass.ts'
import { Policy } from './policy.ts'
import type { TokenVerifier } from './token-verifier.ts'

export type GatekeeperOptions = {
  readonly verifier: TokenVerifier
  readonly clock: Clock
  /** What the store says beside tokens; left out: nothing. */
  readonly policy?: Policy
  /** Has this token been called back? Left out: none ever is. */
  readonly isRevoked?: (principal: Principal) => boolean
  /** Where decisions are written down; left out: nowhere. */
  readonly note?: Note
  /** Asked of everybody who may come in; throws when there is no room for them just now. */
  readonly receive?: (pass: Pass) => Promise<void>
  readonly log?: Logger
}

/** One question about one document, or about a pattern of them. */
export type Ask = {
  readonly resource: string
  readonly capability: Capability
  readonly situation?: Situation | undefined
}

const nowhere: Situation = { address: null }

/** Which of these names may be read. */
export type Reader = (names: readonly string[]) => Promise<ReadonlySet<string>>

export class Gatekeeper {
  readonly #options: GatekeeperOptions
  readonly #policy: Policy
  readonly #passes = new Set<Pass>()
  readonly #note: Note

  constructor(options: GatekeeperOptions) {
    this.#options = options
    this.#policy = options.policy ?? new Policy()
    this.#note = options.note ?? noNote
  }

  /** Those that are in use. */
  get passes(): ReadonlySet<Pass> {
    return this.#passes
  }

  /**
   * Who holds this token or API key? Throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED,
   * TOKEN_REVOKED, and SLOW_DOWN after too many wrong ones.
   */
  identify(token: string, { address }: Situation = nowhere): Promise<Principal> {
    return this.#options.verifier.verify(token, address)
  }

  /**
   * Lets a client in, if it may read the document; its pass says from then on what it may do. The
   * pass must be closed. A refusal is written down; that a session begins with it is for whoever begins
   * one, because requests take a pass as well. Throws FORBIDDEN, SPACE_FULL, SPACE_CLOSED and what
   * reading the store throws.
   */
  async admit(
    principal: Principal,
    name: DocumentName,
    situation: Situation = nowhere,
  ): Promise<Pass> {
    const { clock, log = silentLog } = this.#options
    const pass = new Pass({
      principal,
      name,
      situation,
      rules: this.#policy,
      clock,
      isRevoked: one => this.#isRevoked(one),
      onClose: one => void this.#passes.delete(one),
      note: this.#note,
      onError: error =>
        log.error({ err: error, document: name }, 'a change of access was not taken in'),
    })
    // Before the rules are read: a change that comes meanwhile finds it.
    this.#passes.add(pass)
    try {
      await pass.refresh()
      if (!pass.decide('read').allowed) pass.noteOpening()
      pass.require('read')
      await this.#options.receive?.(pass)
      return pass
    } catch (error) {
      pass.close()
      throw error
    }
  }

  /** May they? An answer, for showing and for choosing. */
  async decide(principal: Principal, { resource, capability, situation }: Ask): Promise<Decision> {
    const rules = await this.#policy.rulesFor(principal, resource)
    const { address } = situation ?? nowhere
    return decide({
      principal,
      rules,
      resource,
      capability,
      at: this.#options.clock.now(),
      address,
    })
  }

  /** They must: throws TOKEN_EXPIRED, TOKEN_REVOKED or FORBIDDEN when they may not. */
  async require(principal: Principal, ask: Ask): Promise<Decision & { readonly allowed: true }> {
    this.#requireUnrevoked(principal)
    const decision = await this.decide(principal, ask)
    if (decision.allowed) return decision
    const { capability, resource, situation } = ask
    this.#note({
      ...byPrincipal(principal),
      action: `document.${capability}`,
      document: resource,
      capability,
      because: decision.because,
      address: situation?.address ?? null,
      decision: 'deny',
    })
    throw this.#refusal(principal, `${capability} of ${quoteName(resource)}: ${decision.because}`)
  }

  /**
   * For lists: tells of many names which of them they may read. Of somebody about whom very much is
   * said the store is asked for each page of names, or a flood of grants would hide a denial.
   */
  async reader(principal: Principal, { address }: Situation = nowhere): Promise<Reader> {
    const [top, below] = await Promise.all([
      this.#policy.rulesFor(principal, '**'),
      this.#policy.rulesBelow(principal, '**'),
    ])
    const known = below === 'all' ? undefined : byResourceOf([...top, ...below])
    return async names => {
      const found = known ?? byResourceOf(await this.#policy.rulesForAll(principal, names))
      const at = this.#options.clock.now()
      const mayRead = (resource: string) => {
        const rules = patternsOf(ruledAs(resource)).flatMap(pattern => found.get(pattern) ?? [])
        return decide({ principal, rules, resource, capability: 'read', at, address }).allowed
      }
      return new Set(names.filter(mayRead))
    }
  }

  /** They must have one of these roles on the server: throws as `require` does. */
  async requireRole(
    principal: Principal,
    roles: readonly ServerRole[],
    { address }: Situation = nowhere,
  ): Promise<void> {
    this.#requireUnrevoked(principal)
    const rules = await this.#policy.rulesFor(principal, '**')
    const at = this.#options.clock.now()
    const decision = decideServer({ principal, rules, roles, at, address })
    if (decision.allowed) return
    const { because } = decision
    this.#note({
      ...byPrincipal(principal),
      action: 'server.role',
      because,
      address,
      decision: 'deny',
    })
    throw this.#refusal(principal, because)
  }

  /** Requests wait, and a token may have been taken back since it was shown. */
  #requireUnrevoked(principal: Principal): void {
    if (!this.#isRevoked(principal)) return
    throw new WeftError('TOKEN_REVOKED', 'the token has been revoked')
  }

  #isRevoked(principal: Principal): boolean {
    return this.#options.isRevoked?.(principal) ?? false
  }

  #refusal(principal: Principal, sentence: string): WeftError {
    const isExpired = this.#options.clock.now() >= principal.writesUntil
    return isExpired
      ? new WeftError('TOKEN_EXPIRED', 'the token has expired')
      : new WeftError('FORBIDDEN', sentence)
  }
}

function byResourceOf(rules: readonly Rule[]): ReadonlyMap<string, readonly Rule[]> {
  return Map.groupBy(rules, ({ resource }) => resource)
}
