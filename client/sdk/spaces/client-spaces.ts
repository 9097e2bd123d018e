/** Spaces as an application creates, lists and looks after them: `client.spaces`. */
import type {
  DeviceView,
  JoinedView,
  SpaceDetailsView,
  SpaceMemberView,
  SpaceView,
} from '../../../shared/space-views.ts'
import { spaceName } from '../../../shared/system-names.ts'
import type { RestCaller } from '../access/rest-caller.ts'

export type SpaceTermsOrder = {
  readonly title?: string | null
  /** How many people may have it open at once; null: as many as like. */
  readonly maxSize?: number | null
  /** A date, or ISO 8601; null: without an end. */
  readonly expiresAt?: Date | string | null
  readonly joining?: 'invite' | 'open'
  /** What joining gives. */
  readonly joinRole?: 'viewer' | 'commenter' | 'editor'
}

export type PageOrder = {
  /** `next` of the page before. */
  readonly cursor?: string
  readonly limit?: number
}

/** All of it rejects with a {@link WeftError}; FORBIDDEN for who may not. */
export type ClientSpaces = {
  /** Throws SPACE_EXISTS. Whoever creates it owns it. */
  create(name: string, terms?: SpaceTermsOrder): Promise<SpaceView>
  /** Those that were created, and that one may read. */
  list(
    query?: PageOrder & { readonly prefix?: string },
  ): Promise<{ readonly spaces: readonly SpaceView[]; readonly next: string | null }>
  info(name: string): Promise<SpaceDetailsView>
  /** `closed: true` sends everybody off. */
  change(name: string, terms: SpaceTermsOrder & { readonly closed?: boolean }): Promise<SpaceView>
  /** Forgets what was said of it; its documents and grants stay. */
  remove(name: string): Promise<void>
  join(name: string): Promise<JoinedView>
  leave(name: string): Promise<void>
  members(
    name: string,
    query?: PageOrder,
  ): Promise<{ readonly members: readonly SpaceMemberView[]; readonly next: string | null }>
  addMember(name: string, member: { readonly user: string; readonly role: string }): Promise<void>
  /** They do not come back by joining. */
  removeMember(name: string, user: string): Promise<void>
  /** The devices on which a user is: of oneself, and for admins. */
  devices(user: string): Promise<readonly DeviceView[]>
}

const SPACES = '/v1/spaces'

export function createClientSpaces(rest: Pick<RestCaller, 'call'>): ClientSpaces {
  const pathOf = (name: string) => `${SPACES}/${encodeURIComponent(spaceName(name))}`
  const memberPath = (name: string, user: string) =>
    `${pathOf(name)}/members/${encodeURIComponent(user)}`
  return {
    create: (name, terms = {}) =>
      rest.call({ method: 'POST', path: SPACES, body: { name, ...toBody(terms) } }),
    list: (query = {}) => rest.call({ method: 'GET', path: SPACES, query: { ...query } }),
    info: name => rest.call({ method: 'GET', path: pathOf(name) }),
    change: (name, terms) =>
      rest.call({ method: 'PATCH', path: pathOf(name), body: toBody(terms) }),
    async remove(name) {
      await rest.call({ method: 'DELETE', path: pathOf(name) })
    },
    join: name => rest.call({ method: 'POST', path: `${pathOf(name)}/join` }),
    async leave(name) {
      await rest.call({ method: 'POST', path: `${pathOf(name)}/leave` })
    },
    members: (name, query = {}) =>
      rest.call({ method: 'GET', path: `${pathOf(name)}/members`, query: { ...query } }),
    async addMember(name, { user, role }) {
      await rest.call({ method: 'PUT', path: memberPath(name, user), body: { role } })
    },
    async removeMember(name, user) {
      await rest.call({ method: 'DELETE', path: memberPath(name, user) })
    },
    async devices(user) {
      const path = `/v1/users/${encodeURIComponent(user)}/devices`
      const answer = await rest.call<{ devices: readonly DeviceView[] }>({ method: 'GET', path })
      return answer.devices
    },
  }
}

function toBody<T extends SpaceTermsOrder>({ expiresAt, ...terms }: T) {
  if (expiresAt === undefined) return terms
  return { ...terms, expiresAt: expiresAt instanceof Date ? expiresAt.toISOString() : expiresAt }
}
