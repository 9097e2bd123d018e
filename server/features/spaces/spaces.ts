/** Creating, changing and deleting spaces: who may, and what is written down of it. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { SpaceName } from '../../../shared/names.ts'
import type { Random } from '../../../shared/random.ts'
import type { AuditEvent } from '../../audit/audit-row.ts'
import type { Audit } from '../../audit/audit.ts'
import { actorOf, attempt, eventOf } from '../../access/grants/grant-events.ts'
import type { GrantStore } from '../../access/grants/grant-store.ts'
import type { StoredGrant } from '../../access/grants/grant.ts'
import { grantingOf } from '../../access/grants/granting.ts'
import type { By, Grants } from '../../access/grants/grants.ts'
import { requireMayGrant } from '../../access/grants/may-grant.ts'
import type { RuleSource } from '../../access/policy.ts'
import {
  decideThere,
  placeOf,
  requireMayFound,
  requireMayShare,
  type Founding,
} from './founding.ts'
import { spaceNotFound, type SpaceStore } from './space-store.ts'
import { overtaken, unlessOvertaken } from './overtaken.ts'
import { patternOf, statusOf, type Space, type SpaceChange, type SpaceTerms } from './space.ts'

export type SpacesOptions = {
  readonly store: SpaceStore
  readonly grantStore: GrantStore
  readonly grants: Grants
  readonly rules: RuleSource
  readonly audit: Pick<Audit, 'write' | 'note'>
  /** Are there documents whose names begin like this? */
  readonly hasDocuments: (prefix: string) => Promise<boolean>
  /** See {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
}

export type SpaceOrder = Partial<SpaceTerms> & { readonly name: SpaceName }

export class Spaces {
  readonly #options: SpacesOptions

  constructor(options: SpacesOptions) {
    this.#options = options
  }

  /**
   * Whoever may create documents in it, while there are none and nothing is granted there, becomes its
   * owner; of a space that there is, those may say more who may share it. Throws FORBIDDEN, SPACE_EXISTS.
   */
  async create(by: By, { name, ...terms }: SpaceOrder): Promise<Space> {
    const { store, grantStore, audit, clock, announce } = this.#options
    const now = clock.now()
    const { id, tenant } = by.principal
    const own = { name, createdBy: id, tenant, createdAt: now, closedAt: null }
    const space: Space = { ...defaults, ...terms, ...own }
    requireFuture(space, now)
    const owner = this.#ownerGrant(by, space)
    const isUsed = await this.#isUsed(name)
    const gives = await this.#attempt(by, { action: 'space.create', name }, async () => {
      const founding = await this.#founding(by, name)
      if (!isUsed) {
        requireMayFound(founding)
        return true
      }
      requireMayShare(founding)
      await this.#requireMayLetJoin(by, space)
      return this.#mayOwn(by, owner)
    })
    const event = this.#event(by, space, 'space.create')
    if (gives) {
      await grantStore.add(owner, async trx => {
        // All changes of grants wait for each other: nobody was given anything there meanwhile.
        if (!isUsed && (await store.isSpokenOf(trx, name, owner.id))) throw overtaken()
        await store.insert(trx, space)
        await audit.write(trx, [event, eventOf(by, { action: 'grant.create', grant: owner })])
      })
    } else {
      await grantStore.touch([everybodyIn(space)], async trx => {
        await store.insert(trx, space)
        await audit.write(trx, [event])
      })
    }
    await announce()
    return space
  }

  /** What is said anew counts within two seconds, also for those who are in it. Throws SPACE_NOT_FOUND. */
  async change(by: By, name: SpaceName, change: SpaceChange): Promise<Space> {
    const after = await unlessOvertaken(() => this.#changeOnce(by, name, change))
    await this.#options.announce()
    await this.#moveEnds(by, name)
    return after
  }

  async #changeOnce(by: By, name: SpaceName, change: SpaceChange): Promise<Space> {
    const { store, grantStore, audit, clock } = this.#options
    await this.requireShare(by, { action: 'space.change', name })
    const before = await this.#get(name)
    const after = changed(before, change, clock.now())
    if (change.expiresAt !== undefined) requireFuture(after, clock.now())
    await this.#attempt(by, { action: 'space.change', name }, async () => {
      const endsOtherwise = after.expiresAt !== before.expiresAt
      if (endsOtherwise || change.joining !== undefined || change.joinRole !== undefined) {
        await this.#requireMayLetJoin(by, after)
      }
    })
    const isClosing = before.closedAt === null && after.closedAt !== null
    const event = this.#event(by, after, isClosing ? 'space.close' : 'space.change')
    await grantStore.touch([everybodyIn(after)], async trx => {
      await store.update(trx, before, after)
      await audit.write(trx, [event])
    })
    return after
  }

  /** What was said of it; its documents and grants stay. Throws SPACE_NOT_FOUND. */
  async remove(by: By, name: SpaceName): Promise<void> {
    const { store, grantStore, audit, announce } = this.#options
    await this.requireShare(by, { action: 'space.delete', name })
    const space = await this.#get(name)
    await grantStore.touch([everybodyIn(space)], async trx => {
      await store.remove(trx, name)
      await audit.write(trx, [this.#event(by, space, 'space.delete')])
    })
    await announce()
  }

  /** Throws FORBIDDEN, and that is written down. */
  async requireShare(by: By, what: { readonly action: string; readonly name: SpaceName }) {
    await this.#attempt(by, what, async () => requireMayShare(await this.#founding(by, what.name)))
  }

  async #get(name: SpaceName): Promise<Space> {
    const space = await this.#options.store.get(name)
    if (space === undefined) throw spaceNotFound(name)
    return space
  }

  async #founding(by: By, name: SpaceName): Promise<Founding> {
    const { rules, clock } = this.#options
    const known = await rules.rulesFor(by.principal, placeOf(name))
    return { by, name, rules: known, at: clock.now() }
  }

  async #isUsed(name: SpaceName): Promise<boolean> {
    const { store, hasDocuments } = this.#options
    return (await store.isSpokenOf(undefined, name)) || hasDocuments(`${name}/`)
  }

  #ownerGrant(by: By, { name }: Space): StoredGrant {
    return {
      ...this.#grant(by, name),
      subject: `user:${by.principal.id}`,
      role: 'owner',
    }
  }

  /** Everybody who joins gets that much, so whoever lets them must be able to give it. */
  async #requireMayLetJoin(by: By, { name, joinRole, expiresAt }: Space): Promise<void> {
    const wanted: StoredGrant = {
      ...this.#grant(by, name),
      subject: NOBODY,
      role: joinRole,
      ...(expiresAt === null ? {} : { expiresAt }),
    }
    requireMayGrant(wanted, await grantingOf(this.#granting, by, wanted))
  }

  #grant(by: By, name: SpaceName): Omit<StoredGrant, 'subject' | 'role'> {
    const { clock, random } = this.#options
    return {
      resource: patternOf(name),
      effect: 'allow',
      capabilities: null,
      paths: null,
      condition: null,
      id: random.id(),
      grantedBy: by.principal.id,
      createdAt: clock.now(),
      status: 'active',
    }
  }

  /** Who may share it without being able to own it says more of it, and stays what they are. */
  async #mayOwn(by: By, owner: StoredGrant): Promise<boolean> {
    const founding = await this.#founding(by, owner.resource.slice(0, -'/**'.length) as SpaceName)
    const has = (rule: (typeof founding.rules)[number]) =>
      rule.resource === owner.resource && rule.role === 'owner' && rule.subject.kind === 'self'
    if (founding.rules.some(has) || !decideThere('delete', founding).allowed) return false
    try {
      requireMayGrant(owner, await grantingOf(this.#granting, by, owner))
      return true
    } catch (error) {
      if (error instanceof WeftError && error.code === 'FORBIDDEN') return false
      throw error
    }
  }

  get #granting() {
    const { grantStore: store, rules, clock } = this.#options
    return { store, rules, clock }
  }

  /** Members who came by joining, or were added with it, stay as long as the space. */
  async #moveEnds(by: By, name: SpaceName): Promise<void> {
    const { store, grants } = this.#options
    for (let moved: Space | undefined; ;) {
      const space = await store.get(name)
      // Another change of it may have come meanwhile: the last one counts.
      if (space === undefined || space.expiresAt === moved?.expiresAt) return
      moved = space
      for (const id of await store.joinedGrants(name, space)) {
        try {
          await grants.change(by, id, { expiresAt: space.expiresAt })
        } catch (error) {
          // It was taken back meanwhile, or is more than they may give: then it ends when it did.
          if (!(error instanceof WeftError) || error.retryable) throw error
        }
      }
    }
  }

  #attempt<T>(
    by: By,
    { action, name }: { readonly action: string; readonly name: SpaceName },
    ask: () => Promise<T>,
  ) {
    const note = (event: AuditEvent) => this.#options.audit.note(event)
    return attempt({ by, action, resource: patternOf(name), note }, ask)
  }

  #event(by: By, space: Space, action: string): AuditEvent {
    const { name, ...details } = space
    const status = statusOf(space, this.#options.clock.now())
    const said = { ...details, status }
    return { ...actorOf(by), action, document: patternOf(name), decision: 'allow', details: said }
  }
}

const defaults: SpaceTerms = {
  title: null,
  maxSize: null,
  expiresAt: null,
  joining: 'invite',
  joinRole: 'viewer',
}

/** No group has this name: the question is what may be given, to whomever. */
const NOBODY = 'group:~nobody'

export const everybodyIn = ({ name }: Pick<Space, 'name'>) => ({
  subject: '*',
  resource: patternOf(name),
})

function changed(before: Space, { closed, ...terms }: SpaceChange, now: number): Space {
  const closedAt = closed === undefined ? before.closedAt : closed ? (before.closedAt ?? now) : null
  return { ...before, ...terms, closedAt }
}

function requireFuture({ expiresAt }: Space, now: number): void {
  if (expiresAt === null || expiresAt > now) return
  throw new WeftError('REQUEST_INVALID', 'expiresAt is over already; close the space instead')
}
