/** Roles, ends and refusals in words that say what they mean for the page. */
import { roleCapabilities } from '../../../shared/permissions.ts'
import { WeftError, type GrantView } from '../../sdk/index.ts'

export const shareRoles = ['viewer', 'commenter', 'editor', 'owner'] as const
export type ShareRole = (typeof shareRoles)[number]

const roleWords: Readonly<Record<ShareRole, string>> = {
  viewer: 'Can read',
  commenter: 'Can comment',
  editor: 'Can edit',
  owner: 'Owner',
}

const wishes: Readonly<Record<ShareRole, string>> = {
  viewer: 'to read',
  commenter: 'to comment',
  editor: 'to edit',
  owner: 'to own it',
}

/** As what somebody asks for: `to edit`. */
export function sayWish(role: string): string {
  return isShareRole(role) ? wishes[role] : `to be ${role}`
}

export function isShareRole(role: string | null): role is ShareRole {
  return shareRoles.some(one => one === role)
}

export function sayRole(role: string): string {
  return isShareRole(role) ? roleWords[role] : role
}

/** A grant of a role has its words; one of single rights names them. */
export function sayGiven({ effect, role, capabilities }: GrantView): string {
  if (effect === 'deny') return 'Kept out'
  return role === null ? (capabilities ?? []).join(', ') : sayRole(role)
}

/** Roles whose every right is among these: nobody gives more than they have. */
export function rolesWithin(rights: ReadonlySet<string>): readonly ShareRole[] {
  return shareRoles.filter(role => roleCapabilities[role].every(right => rights.has(right)))
}

/** Where a grant comes from; empty for one of the page itself. */
export function sayOrigin(resource: string, page: string): string {
  return resource === page ? '' : `from ${sayWhere(resource)}`
}

/** A space and what is below it, or everything. */
export function sayWhere(resource: string): string {
  if (resource === '**') return 'everything on this server'
  return `${resource.replace(/\/\*\*$/, '')}, with all that is in it`
}

/** What is beside the role: limits that the dialog shows and does not change. */
export function sayLimits({ paths, condition }: GrantView): string {
  const parts = paths === null ? [] : [`only ${paths.join(', ')}`]
  return [...parts, ...(condition === null ? [] : ['under a condition'])].join(', ')
}

const HOUR_MS = 3_600_000
export const durations = [
  { name: '1 hour', ms: HOUR_MS },
  { name: '1 day', ms: 24 * HOUR_MS },
  { name: '1 week', ms: 7 * 24 * HOUR_MS },
] as const

/** `at` and `now` in ms since 1970. */
export function sayEnd(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  const time = new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
  if (isToday) return `until ${time}`
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  const year = isThisYear ? {} : ({ year: 'numeric' } as const)
  const day = { day: 'numeric', month: 'short', ...year } as const
  const date = new Date(at).toLocaleDateString(undefined, day)
  return `until ${date}, ${time}`
}

export function sayDuration(ms: number): string {
  const known = durations.find(one => one.ms === ms)
  if (known !== undefined) return known.name
  if (ms >= 24 * HOUR_MS) return `${Math.round(ms / 24 / HOUR_MS)} days`
  return ms >= HOUR_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.ceil(ms / 60_000)} minutes`
}

/** What somebody types as an id: a person, unless they say that it is a group. */
export function subjectOf(typed: string): string {
  const id = typed.trim()
  return /^(user|group):/.test(id) ? id : `user:${id}`
}

/** A refusal, as something that can be acted on. */
export function sayProblem(error: unknown): string {
  if (!(error instanceof WeftError)) return 'That did not work. Try again.'
  switch (error.code) {
    case 'DEPENDENCY_UNAVAILABLE':
      return 'The server cannot be reached just now. Try again.'
    case 'FORBIDDEN':
      return `You may not do that: ${error.message}.`
    case 'GRANT_NOT_FOUND':
      return 'It was taken back meanwhile, or its time was over.'
    case 'TOKEN_MISSING':
    case 'TOKEN_INVALID':
    case 'TOKEN_EXPIRED':
    case 'TOKEN_REVOKED':
      return 'Your sign-in is over: load the page again.'
    case 'SLOW_DOWN':
      return 'That was too much at once. Try again in a minute.'
    default:
      return `That did not work: ${error.message}.`
  }
}
