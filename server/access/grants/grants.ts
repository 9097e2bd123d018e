/** Giving, changing and taking back: who may, what is written down of it, and when it counts. */
import type { Clock } from '../../../shared/clock.ts'
import { decide, type Decision } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Capability, Principal } from '../../../shared/permissions.ts'
import type { Random } from '../../../shared/random.ts'
import type { AuditEvent } from '../../audit/audit-row.ts'
import type { Audit } from '../../audit/audit.ts'
import { readCondition } from '../condition.ts'
import type { RuleSource } from '../policy.ts'
import type { GrantQuery, GrantStore } from './grant-store.ts'
import {
  isBuiltIn,
  type CustomRole,
  type GrantChange,
  type GrantInput,
  type StoredGrant,
} from './grant.ts'
import { requireMayGrant, type Granting } from './may-grant.ts'

/** Who does it, from where, in which request. */
export type By = {
  readonly principal: Principal
  readonly address: string | null
  readonly requestId: string | null
}

export type GrantsOptions = {
  readonly store: GrantStore
  readonly rules: RuleSource
  readonly audit: Pick<Audit, 'write'>
  /** Resolves when everybody here lives by what was changed; see {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
}

export type Explained = {
  readonly principal: Pick<Principal, 'id' | 'groups'>
  readonly resource: string
  readonly capability: Capability
}

const SWEEP_MAX = 500

export class Grants {
  readonly #options: GrantsOptions

  constructor(options: GrantsOptions) {
    this.#options = options
  }

  /** Resolves when it counts on this node, and is on its way to the others. */
  async create(by: By, input: GrantInput): Promise<StoredGrant> {
    const { clock, random } = this.#options
    const { role, capabilities, paths, condition, ...rest } = input
    const grant: StoredGrant = {
      ...rest,
      id: random.id(),
      role: role ?? null,
      capabilities: capabilities ?? null,
      paths: paths ?? null,
      condition: condition ?? null,
      grantedBy: by.principal.id,
      createdAt: clock.now(),
      status: 'active',
    }
    await this.#require(by, grant)
    await this.#put(grant, eventOf(by, { action: 'grant.create', grant }))
    return grant
  }

  /** Throws GRANT_NOT_FOUND. What is null is taken away, what is left out stays. */
  async change(by: By, id: string, change: GrantChange): Promise<StoredGrant> {
    const before = await this.#active(id)
    const { role, capabilities, paths, condition, expiresAt } = change
    const { expiresAt: _, ...kept } = before
    const end = expiresAt === undefined ? before.expiresAt : (expiresAt ?? undefined)
    const after: StoredGrant = {
      ...kept,
      role: role ?? (capabilities === undefined ? before.role : null),
      capabilities: capabilities ?? (role === undefined ? before.capabilities : null),
      paths: paths === undefined ? before.paths : paths,
      condition: condition === undefined ? before.condition : condition,
      ...(end === undefined ? {} : { expiresAt: end }),
    }
    // Whoever takes from somebody must have been able to give it, too.
    await this.#require(by, before)
    await this.#require(by, after)
    await this.#put(after, eventOf(by, { action: 'grant.change', grant: after, before }))
    return after
  }

  /** Throws GRANT_NOT_FOUND. */
  async revoke(by: By, id: string): Promise<void> {
    const grant = await this.#active(id)
    // What somebody was given they may give up.
    if (grant.subject !== `user:${by.principal.id}` || grant.effect === 'deny') {
      await this.#require(by, grant)
    }
    await this.#put({ ...grant, status: 'revoked' }, eventOf(by, { action: 'grant.revoke', grant }))
  }

  /** Of a resource that the asker may share, or of the asker's own. */
  async list(by: By, query: GrantQuery): Promise<readonly StoredGrant[]> {
    const isOwn = query.subject === `user:${by.principal.id}`
    if (!isOwn) await this.#requireShare(by, query.resource ?? '**')
    return this.#options.store.list(query)
  }

  async get(by: By, id: string): Promise<StoredGrant> {
    const grant = await this.#options.store.get(id)
    if (grant === undefined) throw notFound(id)
    if (grant.subject !== `user:${by.principal.id}`) await this.#requireShare(by, grant.resource)
    return grant
  }

  get roles(): readonly CustomRole[] {
    return [...this.#options.store.roles.values()]
  }

  /** The caller has asked whether they may. */
  async putRole(by: By, role: CustomRole): Promise<void> {
    const { store, audit, clock, announce } = this.#options
    if (isBuiltIn(role.name)) throw new WeftError('REQUEST_INVALID', 'that role is built in')
    const event: AuditEvent = {
      ...actorOf(by),
      action: 'role.put',
      decision: 'allow',
      details: role,
    }
    await store.putRole(role, { id: by.principal.id, at: clock.now() }, trx =>
      audit.write(trx, [event]),
    )
    await announce()
  }

  /** The caller has asked whether they may. False when there is none. */
  async removeRole(by: By, name: string): Promise<boolean> {
    const { store, audit, announce } = this.#options
    const details = { name }
    const event: AuditEvent = { ...actorOf(by), action: 'role.remove', decision: 'allow', details }
    const removed = await store.removeRole(name, trx => audit.write(trx, [event]))
    if (removed) await announce()
    return removed
  }

  /** What somebody may do, and why. Of others it is told to those who may share the resource. */
  async explain(by: By, { principal, resource, capability }: Explained): Promise<Decision> {
    const { rules, clock } = this.#options
    if (principal.id !== by.principal.id) await this.#requireShare(by, resource)
    const known = await rules.rulesFor(principal, resource)
    // Of somebody else only the grants of the store are known; what their token says is theirs.
    const asked: Principal =
      principal.id === by.principal.id
        ? by.principal
        : { ...by.principal, ...principal, name: principal.id, grants: [], claims: {}, ...endless }
    const { address } = by
    return decide({
      principal: asked,
      rules: known,
      resource,
      capability,
      at: clock.now(),
      address,
    })
  }

  /** Closes grants whose end has come; they are out of force already. Returns how many. */
  async sweep(): Promise<number> {
    const { store, audit, clock } = this.#options
    const overdue = await store.overdue(clock.now(), SWEEP_MAX)
    for (const grant of overdue) {
      const event: AuditEvent = {
        actor: 'weft',
        actorKind: 'system',
        action: 'grant.expire',
        document: grant.resource,
        decision: 'allow',
        details: { id: grant.id, subject: grant.subject },
      }
      await store.put({ ...grant, status: 'expired' }, trx => audit.write(trx, [event]))
    }
    return overdue.length
  }

  async #active(id: string): Promise<StoredGrant> {
    const grant = await this.#options.store.get(id)
    if (grant?.status === 'active') return grant
    throw notFound(id)
  }

  async #put(grant: StoredGrant, event: AuditEvent): Promise<void> {
    const { store, audit, announce } = this.#options
    await store.put(grant, trx => audit.write(trx, [event]))
    await announce()
  }

  async #require(by: By, grant: StoredGrant): Promise<void> {
    if (grant.condition !== null) readCondition(grant.condition, grant.effect)
    requireMayGrant(grant, await this.#granting(by, grant.resource))
  }

  async #granting({ principal, address }: By, resource: string): Promise<Granting> {
    const { store, rules, clock } = this.#options
    const known = await rules.rulesFor(principal, resource)
    return { by: principal, rules: known, roles: store.roles, at: clock.now(), address }
  }

  async #requireShare(by: By, resource: string): Promise<void> {
    const { by: principal, rules, at, address } = await this.#granting(by, resource)
    const sharing = decide({ principal, rules, resource, capability: 'share', at, address })
    if (sharing.allowed) return
    throw new WeftError('FORBIDDEN', `share of ${resource}: ${sharing.because}`)
  }
}

const endless = { writesUntil: Infinity, expiresAt: Infinity }

function notFound(id: string): WeftError {
  return new WeftError('GRANT_NOT_FOUND', `there is no grant "${id.slice(0, 50)}" in force`)
}

function actorOf({ principal, address, requestId }: By) {
  const { id: actor, kind: actorKind, tokenId } = principal
  return { actor, actorKind, tokenId, address, requestId }
}

type Told = { readonly action: string; readonly grant: StoredGrant; readonly before?: StoredGrant }

function eventOf(by: By, { action, grant, before }: Told): AuditEvent {
  const { resource, ...rest } = grant
  const details = before === undefined ? rest : { ...rest, before }
  return { ...actorOf(by), action, document: resource, decision: 'allow', details }
}
