/** A space as it is kept: what was said of it when it was created, and whether its time is over. */
import { z } from 'zod'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type SpaceName } from '../../../shared/names.ts'

/** What joining gives, where everybody may. Nobody becomes its owner that way. */
export const joinRoles = ['viewer', 'commenter', 'editor'] as const
export type JoinRole = (typeof joinRoles)[number]

/** `open`: who knows its name joins. `invite`: who was added is in. */
export const joinings = ['invite', 'open'] as const
export type Joining = (typeof joinings)[number]

export const SPACE_SIZE_MAX = 10_000
/** Control characters, and those that turn the direction of the text that follows them. */
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}]/u

export const spaceTitle = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine(text => !INVISIBLE.test(text), { error: 'a title has no invisible characters' })

export type SpaceTerms = {
  readonly title: string | null
  /** How many people may have it open at once; null: as many as like. */
  readonly maxSize: number | null
  /** Ms since 1970; null: without an end. */
  readonly expiresAt: number | null
  readonly joining: Joining
  readonly joinRole: JoinRole
}

export type Space = SpaceTerms & {
  readonly name: SpaceName
  readonly createdBy: string
  readonly tenant: string | null
  /** Ms since 1970. */
  readonly createdAt: number
  /** Ms since 1970; null: it is open. */
  readonly closedAt: number | null
}

/** What is left out stays as it is. */
export type SpaceChange = Partial<SpaceTerms> & { readonly closed?: boolean }

export const spaceStatuses = ['active', 'closed', 'expired'] as const
export type SpaceStatus = (typeof spaceStatuses)[number]

export function statusOf(space: Space | undefined, at: number): SpaceStatus {
  if (space === undefined) return 'active'
  if (space.closedAt !== null) return 'closed'
  return space.expiresAt !== null && at >= space.expiresAt ? 'expired' : 'active'
}

/** When nobody may be in it any more, ms since 1970; undefined: nothing was said of an end. */
export function endingOf(space: Space | undefined) {
  const { name, closedAt, expiresAt } = space ?? { closedAt: null, expiresAt: null }
  const at = closedAt === null ? expiresAt : -Infinity
  if (name === undefined || at === null) return undefined
  const sentence = closedAt === null ? 'is over: its time has come' : 'was closed by its owner'
  return { at, error: new WeftError('SPACE_CLOSED', `the space ${quoteName(name)} ${sentence}`) }
}

/** Throws SPACE_CLOSED. */
export function requireOpen(space: Space | undefined, at: number): void {
  const ending = endingOf(space)
  if (ending !== undefined && at >= ending.at) throw ending.error
}

/** What covers all of a space; its members' grants are for this. */
export function patternOf(name: SpaceName): string {
  return `${name}/**`
}
