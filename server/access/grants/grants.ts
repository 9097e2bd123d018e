/** Giving, changing and taking back: who may, what is written down of it, and when it counts. */
import type { Clock } from '../../../shared/clock.ts'
import { decide, tokenRules, type Decision } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { Capability, Principal } from '../../../shared/permissions.ts'
import type { Random } from '../../../shared/random.ts'
import type { AuditEvent } from '../../audit/audit-row.ts'
import type { Audit } from '../../audit/audit.ts'
import { readCondition } from '../condition.ts'
import type { RuleSource } from '../policy.ts'
import { actorOf, attempt, eventOf, type Attempt, type By } from './grant-events.ts'
import type { GrantQuery, GrantStore, Within } from './grant-store.ts'
import {
  changed,
  isBuiltIn,
  type CustomRole,
  type GrantChange,
  type GrantInput,
  type StoredGrant,
} from './grant.ts'
import { grantingOf, requireShare } from './granting.ts'
import { isLimit, requireMayGrant, requireMayRevoke, type Granting } from './may-grant.ts'

export type { By }

export type GrantsOptions = {
  readonly store: GrantStore
  readonly rules: RuleSource
  readonly audit: Pick<Audit, 'write' | 'note'>
  /** Resolves when everybody here lives by what was changed; see {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
}

/** What else has to be there together with a new grant, whose id it is. */
export type Also = (trx: Parameters<Within>[0], id: string) => Promise<void>
/** `also` is written together with it. */
export type ChangeOrder = GrantChange & { readonly also?: Also }

export type Explained = {
  readonly principal: Pick<Principal, 'id' | 'groups'>
  readonly resource: string
  readonly capability: Capability
}

const SWEEP_MAX = 500
/** In force for the same subject and the same resource: each opening looks at all of them. */
const ALIKE_MAX = 100
const TRIES_MAX = 5

export class Grants {
  readonly #options: GrantsOptions

  constructor(options: GrantsOptions) {
    this.#options = options
  }

  /**
   * Resolves when it counts on this node, and is on its way to the others. `also` is done within its
   * transaction.
   */
  async create(by: By, input: GrantInput, also: Also = nothingElse): Promise<StoredGrant> {
    const { clock, random, store, audit, announce } = this.#options
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
    await this.#attempt(by, { action: 'grant.create', resource: grant.resource }, () =>
      this.#require(by, grant),
    )
    if ((await store.count(grant)) >= ALIKE_MAX) {
      const sentence = `${grant.subject} has ${ALIKE_MAX} grants for ${grant.resource} already`
      throw new WeftError('REQUEST_INVALID', sentence)
    }
    const event = eventOf(by, { action: 'grant.create', grant })
    await store.add(grant, async trx => {
      await audit.write(trx, [event])
      await also(trx, grant.id)
    })
    await announce()
    return grant
  }

  /** Throws GRANT_NOT_FOUND. What is null is taken away, what is left out stays. */
  async change(by: By, id: string, wanted: ChangeOrder): Promise<StoredGrant> {
    const { also = nothingElse, ...change } = wanted
    const { store, audit, announce } = this.#options
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const before = await this.#active(id)
      const after = changed(before, change)
      // Whoever takes from somebody must have been able to give it, too.
      await this.#attempt(by, { action: 'grant.change', resource: before.resource }, async () => {
        requireMayRevoke(before, await this.#granting(by, before))
        await this.#require(by, after)
      })
      const event = eventOf(by, { action: 'grant.change', grant: after, before })
      // What was decided on is gone when somebody has changed it, or taken it back, meanwhile.
      const replaced = await store.replace(before, after, async trx => {
        await audit.write(trx, [event])
        await also(trx, id)
      })
      if (!replaced) continue
      await announce()
      return after
    }
    const sentence = 'others change this grant at the same time'
    throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 100 })
  }

  /** Throws GRANT_NOT_FOUND. */
  async revoke(by: By, id: string, also: Within = nothingElse): Promise<void> {
    const { store, audit, announce } = this.#options
    const grant = await this.#active(id)
    await this.#attempt(by, { action: 'grant.revoke', resource: grant.resource }, async () => {
      const granting = await this.#granting(by, grant)
      if (!mayGiveUp(grant, granting)) requireMayRevoke(grant, granting)
    })
    const event = eventOf(by, { action: 'grant.revoke', grant })
    const closed = await store.close(grant, 'revoked', async trx => {
      await audit.write(trx, [event])
      await also(trx)
    })
    if (!closed) throw notFound(id)
    await announce()
  }

  /** Of a resource that the asker may share, or of the asker's own. */
  async list(by: By, query: GrantQuery): Promise<readonly StoredGrant[]> {
    const isOwn = query.subject !== undefined && isAbout(by, query.subject)
    if (!isOwn) await this.#requireShare(by, query.resource ?? '**')
    return this.#options.store.list(query)
  }

  async get(by: By, id: string): Promise<StoredGrant> {
    const grant = await this.#options.store.get(id)
    if (grant === undefined) throw notFound(id)
    if (!isAbout(by, grant.subject)) await this.#requireShare(by, grant.resource)
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
    const isOwn =
      principal.id === by.principal.id &&
      principal.groups.every(name => by.principal.groups.includes(name))
    if (!isOwn) await this.#requireShare(by, resource)
    const known = await rules.rulesFor(principal, resource)
    // Of somebody else only the grants of the store are known; what their token says is theirs.
    const asked = principal.id === by.principal.id ? by.principal : stranger(principal)
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
      await store.close(grant, 'expired', trx => audit.write(trx, [event]))
    }
    return overdue.length
  }

  async #active(id: string): Promise<StoredGrant> {
    const grant = await this.#options.store.get(id)
    if (grant?.status === 'active') return grant
    throw notFound(id)
  }

  async #require(by: By, grant: StoredGrant): Promise<void> {
    if (grant.condition !== null) readCondition(grant.condition, grant.effect)
    requireMayGrant(grant, await this.#granting(by, grant))
  }

  #granting(by: By, grant: StoredGrant): Promise<Granting> {
    return grantingOf(this.#options, by, grant)
  }

  #attempt(by: By, what: Pick<Attempt, 'action' | 'resource'>, ask: () => Promise<void>) {
    return attempt({ by, ...what, note: event => this.#options.audit.note(event) }, ask)
  }

  #requireShare(by: By, resource: string): Promise<void> {
    return this.#attempt(by, { action: 'grant.read', resource }, () =>
      requireShare(this.#options, by, resource),
    )
  }
}

/** A token that an API key made does not speak for all of its subject. */
function isAbout({ principal }: Pick<By, 'principal'>, subject: string): boolean {
  return subject === `user:${principal.id}` && principal.limits === null
}

/** What somebody was given they may give up, but not what keeps them from more. */
function mayGiveUp(grant: StoredGrant, granting: Granting): boolean {
  const { by: principal, subjectRules, roles } = granting
  if (grant.effect === 'deny' || !isAbout({ principal }, grant.subject)) return false
  return !isLimit(grant, { rules: [...subjectRules, ...tokenRules(principal)], roles })
}

const nothingElse = () => Promise.resolve()

/** Somebody of whom nothing is known but who they are; above all nothing of whoever asks. */
function stranger({ id, groups }: Pick<Principal, 'id' | 'groups'>): Principal {
  return {
    id,
    groups,
    name: id,
    color: null,
    avatar: null,
    kind: 'user',
    tenant: null,
    grants: [],
    limits: null,
    tokenId: null,
    issuer: null,
    claims: {},
    writesUntil: Infinity,
    expiresAt: Infinity,
  }
}

function notFound(id: string): WeftError {
  return new WeftError('GRANT_NOT_FOUND', `there is no grant "${id.slice(0, 50)}" in force`)
}
