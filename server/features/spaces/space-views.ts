/** What is told of spaces: what was said of them, who belongs to them, and who is in them now. */
import type { Clock } from '../../../shared/clock.ts'
import type { SpaceName } from '../../../shared/names.ts'
import type { Principal } from '../../../shared/permissions.ts'
import { joinPeople, type PresentPerson } from '../../../shared/presence.ts'
import { spaceDocument } from '../../../shared/system-names.ts'
import type { Gatekeeper } from '../../access/gatekeeper.ts'
import type { Situation } from '../../access/pass.ts'
import type { People } from '../../presence/people.ts'
import { SCAN_PAGES_MAX, tooManyOthers } from '../list-scan.ts'
import type { MemberGrant, SpaceStore } from './space-store.ts'
import { statusOf, type Joining, type JoinRole, type Space, type SpaceStatus } from './space.ts'

export type SpaceViewsOptions = {
  readonly store: Pick<SpaceStore, 'get' | 'list' | 'members' | 'memberCount'>
  readonly people: Pick<People, 'find'>
  readonly gatekeeper: Pick<Gatekeeper, 'reader'>
  readonly clock: Clock
}

/** Times are ms since 1970. What is null was not said: there may be such a space all the same. */
export type SpaceInfo = {
  readonly name: string
  readonly title: string | null
  readonly createdBy: string | null
  readonly createdAt: number | null
  readonly maxSize: number | null
  readonly expiresAt: number | null
  readonly status: SpaceStatus
  readonly joining: Joining
  readonly joinRole: JoinRole | null
}
export type SpaceDetails = SpaceInfo & {
  readonly memberCount: number
  readonly presentCount: number
}

export type Member = {
  readonly user: string
  /** As they show themselves, when they are there. */
  readonly name: string | null
  /** null: single capabilities, or several roles; the grants tell. */
  readonly role: string | null
  readonly grantedBy: string
  readonly since: number
  readonly expiresAt: number | null
  readonly present: boolean
}

export type Asker = { readonly principal: Principal; readonly situation: Situation }
export type PageQuery = {
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

/** Read from the store at once, however few are wanted: others may have very many. */
const SCAN_PAGE = 1_000

export class SpaceViews {
  readonly #options: SpaceViewsOptions

  constructor(options: SpaceViewsOptions) {
    this.#options = options
  }

  async details(name: SpaceName): Promise<SpaceDetails> {
    const { store, clock } = this.#options
    const at = clock.now()
    const [space, memberCount, people] = await Promise.all([
      store.get(name),
      store.memberCount({ space: name, at }),
      this.people(name),
    ])
    return { ...infoOf(name, space, at), memberCount, presentCount: people.length }
  }

  info(space: Space): SpaceInfo {
    return infoOf(space.name, space, this.#options.clock.now())
  }

  /** Everybody once, on all nodes. */
  async people(name: SpaceName): Promise<readonly PresentPerson[]> {
    const states = await this.#options.people.find({ document: spaceDocument(name) })
    return joinPeople(states.map(({ state }) => JSON.parse(state) as unknown))
  }

  /**
   * A page of those that were created and that the asker may read. Throws REQUEST_INVALID when there are
   * too many others in between: no cursor tells one of their names.
   */
  async list(
    { principal, situation }: Asker,
    query: PageQuery,
  ): Promise<{ readonly spaces: readonly SpaceInfo[]; readonly next: string | null }> {
    const { store, gatekeeper } = this.#options
    const read = await gatekeeper.reader(principal, situation)
    const spaces: SpaceInfo[] = []
    const scan = { ...query, limit: SCAN_PAGE }
    let { after } = query
    for (let page = 0; page < SCAN_PAGES_MAX; page++) {
      const found = await store.list({ ...scan, after })
      const readable = await read(found.map(({ name }) => spaceDocument(name)))
      for (const space of found) {
        after = space.name
        if (!readable.has(spaceDocument(space.name))) continue
        spaces.push(this.info(space))
        if (spaces.length === query.limit) return { spaces, next: space.name }
      }
      if (found.length < SCAN_PAGE) return { spaces, next: null }
    }
    const last = spaces.at(-1)
    if (last === undefined) throw tooManyOthers('prefix')
    return { spaces, next: last.name }
  }

  /** A page of users with a grant on the whole of it, in the order of their ids. */
  async members(space: SpaceName, page: Omit<PageQuery, 'prefix'>) {
    const { store, clock } = this.#options
    const [{ grants, next }, people] = await Promise.all([
      store.members({ space, ...page, at: clock.now() }),
      this.people(space),
    ])
    const present = new Map(people.map(person => [person.id, person]))
    const members = [...Map.groupBy(grants, ({ userId }) => userId)].map(([user, held]) =>
      memberOf(user, held, present.get(user)),
    )
    return { members, next }
  }
}

function infoOf(name: SpaceName, space: Space | undefined, at: number): SpaceInfo {
  return {
    name,
    title: space?.title ?? null,
    createdBy: space?.createdBy ?? null,
    createdAt: space?.createdAt ?? null,
    maxSize: space?.maxSize ?? null,
    expiresAt: space?.expiresAt ?? null,
    status: statusOf(space, at),
    joining: space?.joining ?? 'invite',
    joinRole: space?.joining === 'open' ? space.joinRole : null,
  }
}

function memberOf(
  user: string,
  held: readonly MemberGrant[],
  person: PresentPerson | undefined,
): Member {
  const [first] = held
  const roles = new Set(held.map(({ role }) => role))
  const ends = held.map(({ expiresAt }) => expiresAt ?? Infinity)
  const end = Math.max(...ends)
  return {
    user,
    name: person?.name ?? null,
    role: roles.size === 1 ? (first?.role ?? null) : null,
    grantedBy: first?.grantedBy ?? '',
    since: Math.min(...held.map(({ createdAt }) => createdAt)),
    expiresAt: end === Infinity ? null : end,
    present: person !== undefined,
  }
}
