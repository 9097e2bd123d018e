/** Who belongs to a space: a member is who has a grant on the whole of it, given here or elsewhere. */
import type { Transaction } from 'kysely'
import { tokenRules, type Rule } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type SpaceName } from '../../../shared/names.ts'
import {
  isWithinLimits,
  matches,
  roleCapabilities,
  type Capability,
  type Principal,
} from '../../../shared/permissions.ts'
import { actorOf, attempt, eventOf } from '../../access/grants/grant-events.ts'
import type { StoredGrant } from '../../access/grants/grant.ts'
import { grantingOf } from '../../access/grants/granting.ts'
import type { Also, By } from '../../access/grants/grants.ts'
import { requireMayGrant } from '../../access/grants/may-grant.ts'
import { decideThere, placeOf } from './founding.ts'
import { wasRemoved, type Membership } from './space-store.ts'
import { patternOf, requireOpen, type JoinRole, type Space } from './space.ts'
import { unlessOvertaken } from './overtaken.ts'
import type { Spaces, SpacesOptions } from './spaces.ts'

export type MembersOptions = SpacesOptions & { readonly spaces: Spaces }

/** What somebody has after joining; null: a role of other places, which says more. */
export type Joined = { readonly role: JoinRole | null; readonly grantId: string | null }

export class Members {
  readonly #options: MembersOptions

  constructor(options: MembersOptions) {
    this.#options = options
  }

  /**
   * Lets themselves in, where everybody may; by the authority of who created the space. Throws FORBIDDEN
   * (also for a space that there is not), and SPACE_CLOSED.
   */
  join(by: By, name: SpaceName): Promise<Joined> {
    return unlessOvertaken(() => this.#joinOnce(by, name))
  }

  async #joinOnce(by: By, name: SpaceName): Promise<Joined> {
    const { store, grantStore, rules, audit, clock, announce } = this.#options
    const { principal } = by
    const now = clock.now()
    const known = await rules.rulesFor(principal, placeOf(name))
    const space = await this.#attempt(by, { action: 'space.join', name }, async () => {
      const found = await store.get(name)
      if (found?.joining !== 'open' || found.tenant !== principal.tenant) throw byInvitation(name)
      return found
    })
    requireOpen(space, now)
    const { joinRole } = space
    const given: readonly Capability[] = roleCapabilities[joinRole]
    const member = { space: name, userId: principal.id }
    await this.#attempt(by, { action: 'space.join', name }, async () => {
      if ((await store.memberState(member)) === 'removed') throw wasRemoved(member)
      refuseDenied(known, name)
      refuseLimited(principal, { name, given, now })
    })
    const asking = { by, name, rules: known, at: now }
    const hasAll = given.every(one => decideThere(one, asking).allowed)
    // A nearer grant would take the place of what they have further away.
    const own = [...tokenRules(principal), ...known].filter(
      ({ subject, resource, expiresAt }) =>
        subject.kind === 'self' && expiresAt > now && matches(resource, placeOf(name)),
    )
    const losesSome = own.some(rule => rule.capabilities.some(one => !given.includes(one)))
    if (hasAll || losesSome) return { role: null, grantId: null }
    const grant = this.#joinGrant(space, principal.id)
    await this.#attempt(by, { action: 'space.join', name }, () =>
      this.#requireCreatorMayGive(space, grant),
    )
    await grantStore.add(grant, async trx => {
      // Removing changes grants too, and these wait for each other: nobody is removed in between.
      await store.refuseRemoved(trx, member)
      await store.requireSame(trx, space)
      await store.putMember(trx, member, { state: 'joined', grantId: grant.id, at: now })
      const event = { ...actorOf(by), document: grant.resource, decision: 'allow' as const }
      await audit.write(trx, [
        { ...event, action: 'space.join', details: { role: joinRole } },
        eventOf(by, { action: 'grant.create', grant }),
      ])
    })
    await announce()
    return { role: joinRole, grantId: grant.id }
  }

  /** Gives up what they were given on the whole of the space; nothing happens when that is nothing. */
  async leave(by: By, name: SpaceName): Promise<void> {
    const { store, grants, clock } = this.#options
    const member = { space: name, userId: by.principal.id }
    const held = await store.grantsOf({ space: name, at: clock.now() }, member.userId)
    for (const { id } of held) await grants.revoke(by, id, this.#noting(by, 'space.leave', member))
  }

  /**
   * Takes somebody out, who does not come back by joining. Throws FORBIDDEN for those who may not share
   * the space, or could not have given what is taken.
   */
  async remove(by: By, { space, userId }: Membership): Promise<void> {
    const { store, grantStore, grants, spaces, clock, announce } = this.#options
    await spaces.requireShare(by, { action: 'space.remove', name: space })
    const at = clock.now()
    const member = { space, userId }
    const mark = async (trx: Transaction<unknown>) => {
      await store.putMember(trx, member, { state: 'removed', grantId: null, at })
      await this.#noting(by, 'space.remove', member)(trx)
    }
    const held = await store.grantsOf({ space, at }, userId)
    for (const { id } of held) await grants.revoke(by, id, mark)
    if (held.length > 0) return
    // They may have come by other ways, or wait at the door.
    await grantStore.touch([{ subject: `user:${userId}`, resource: patternOf(space) }], mark)
    await announce()
  }

  /**
   * Gives somebody a role on the whole of the space, or another one; also to those who were removed. It
   * ends with the space, but an owner's does not: they may prolong it. Throws as giving a grant does.
   */
  async add(by: By, { space, userId }: Membership, role: string): Promise<void> {
    const { store, grants, clock } = this.#options
    const found = await store.get(space)
    requireOpen(found, clock.now())
    const end = role === 'owner' ? null : (found?.expiresAt ?? null)
    const note = async (trx: Transaction<unknown>, grantId: string | null) => {
      const what = { state: 'joined' as const, grantId, at: clock.now() }
      await store.putMember(trx, { space, userId }, what)
      await this.#noting(by, 'space.add', { space, userId })(trx)
    }
    const [known, ...others] = await store.grantsOf({ space, at: clock.now() }, userId)
    if (known !== undefined) {
      // What they have by further grants adds up: whoever is made less would not be.
      for (const { id } of others) await grants.revoke(by, id)
      const whole = { role, paths: null, condition: null, expiresAt: end }
      const also: Also = (trx, id) => note(trx, endsWith(role, id))
      await grants.change(by, known.id, { ...whole, also })
      return
    }
    const input = {
      subject: `user:${userId}`,
      resource: patternOf(space),
      effect: 'allow' as const,
      role,
      ...(end === null ? {} : { expiresAt: end }),
    }
    await grants.create(by, input, (trx, id) => note(trx, endsWith(role, id)))
  }

  #joinGrant({ name, createdBy, joinRole, expiresAt }: Space, userId: string): StoredGrant {
    const { random, clock } = this.#options
    return {
      id: random.id(),
      subject: `user:${userId}`,
      resource: patternOf(name),
      effect: 'allow',
      role: joinRole,
      capabilities: null,
      paths: null,
      condition: null,
      grantedBy: createdBy,
      createdAt: clock.now(),
      status: 'active',
      ...(expiresAt === null ? {} : { expiresAt }),
    }
  }

  /** As of now, and by grants of the store alone: what their token said then is not known any more. */
  async #requireCreatorMayGive(space: Space, grant: StoredGrant): Promise<void> {
    const { grantStore: store, rules, clock } = this.#options
    const by = { principal: creatorOf(space), address: null, requestId: null }
    try {
      requireMayGrant(grant, await grantingOf({ store, rules, clock }, by, grant))
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== 'FORBIDDEN') throw error
      const sentence = `${space.createdBy}, who created it, may not let them in any more`
      throw new WeftError('FORBIDDEN', `the space ${quoteName(space.name)}: ${sentence}`)
    }
  }

  #noting(by: By, action: string, { space, userId: user }: Membership) {
    const document = patternOf(space)
    const event = {
      ...actorOf(by),
      action,
      document,
      decision: 'allow',
      details: { user },
    } as const
    return (trx: Transaction<unknown>) => this.#options.audit.write(trx, [event])
  }

  #attempt<T>(
    by: By,
    { action, name }: { readonly action: string; readonly name: SpaceName },
    ask: () => Promise<T>,
  ) {
    const { audit } = this.#options
    return attempt({ by, action, resource: patternOf(name), note: one => audit.note(one) }, ask)
  }
}

/** An owner's grant does not end with the space. */
function endsWith(role: string, id: string): string | null {
  return role === 'owner' ? null : id
}

function creatorOf({ createdBy, tenant }: Space): Principal {
  return {
    id: createdBy,
    name: createdBy,
    color: null,
    avatar: null,
    kind: 'user',
    tenant,
    groups: [],
    grants: [],
    limits: null,
    tokenId: null,
    issuer: null,
    claims: {},
    writesUntil: Infinity,
    expiresAt: Infinity,
  }
}

function byInvitation(name: SpaceName): WeftError {
  const sentence = `the space ${quoteName(name)} is for those who were added to it`
  return new WeftError('FORBIDDEN', `${sentence}; ask with POST /v1/access-requests`)
}

/** Joining is nearer than a denial further out, and would win over it. */
function refuseDenied(rules: readonly Rule[], name: SpaceName): void {
  if (rules.every(({ effect }) => effect === 'allow')) return
  throw new WeftError('FORBIDDEN', `something in the space ${quoteName(name)} is denied to them`)
}

type Limited = {
  readonly name: SpaceName
  readonly given: readonly Capability[]
  readonly now: number
}

/** A token that an API key made does not take more for its subject than the key may give. */
function refuseLimited(principal: Principal, { name, given, now }: Limited): void {
  if (now >= principal.writesUntil) {
    throw new WeftError('TOKEN_EXPIRED', 'the token has expired')
  }
  if (given.every(one => isWithinLimits(principal, placeOf(name), one))) return
  throw new WeftError('FORBIDDEN', 'joining is beyond the limits of the token')
}
