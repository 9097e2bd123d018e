/** What the Share dialog shows, read from the server as one value. */
import { capabilities, matches, patternsOf, type Capability } from '../../../shared/permissions.ts'
import {
  WeftError,
  type AccessRequestView,
  type ClientAccess,
  type GrantView,
} from '../../sdk/index.ts'

export type ShareFacts = {
  /** What the person who looks may do with the page themselves. */
  readonly rights: ReadonlySet<Capability>
  /** Of the page, then of its spaces, as far as the person may look at them. */
  readonly grants: readonly GrantView[]
  /** Those that wait for an answer of this person. */
  readonly requests: readonly AccessRequestView[]
}

export type Sharing = Pick<
  ClientAccess,
  'explain' | 'grants' | 'requests' | 'grant' | 'change' | 'revoke'
>

const LIST_LIMIT = 200

/** Rejects with what the server says, and DEPENDENCY_UNAVAILABLE without a network. */
export async function readShareFacts(access: Sharing, page: string): Promise<ShareFacts> {
  const rights = await readRights(access, page)
  if (!rights.has('share')) return { rights, grants: [], requests: [] }
  const [grants, requests] = await Promise.all([
    Promise.all(patternsOf(page).map(resource => grantsOf(access, resource))),
    pendingRequests(access, page),
  ])
  return { rights, grants: grants.flat(), requests }
}

/** Of the page, and of spaces that it lies in: all that one may decide is looked through. */
export async function pendingRequests(
  access: Pick<Sharing, 'requests'>,
  page: string,
): Promise<readonly AccessRequestView[]> {
  const { requests } = await access.requests({ status: 'pending', limit: LIST_LIMIT })
  return requests.filter(({ mayDecide, resource }) => mayDecide && matches(resource, page))
}

/** Unlimited ones: a right to some parts of a page cannot be handed on. */
async function readRights(access: Sharing, page: string): Promise<ReadonlySet<Capability>> {
  const answers = await Promise.all(
    capabilities.map(async capability => {
      const { allowed, paths } = await access.explain({ document: page, capability })
      return allowed && paths === null ? [capability] : []
    }),
  )
  return new Set(answers.flat())
}

async function grantsOf(access: Sharing, resource: string): Promise<readonly GrantView[]> {
  try {
    return (await access.grants({ resource, limit: LIST_LIMIT })).grants
  } catch (error) {
    // Whoever owns the page alone does not see who has the space.
    if (error instanceof WeftError && error.code === 'FORBIDDEN') return []
    throw error
  }
}

/** `expiresAt` in ms since 1970; null: without an end. What is left out stays. */
export type NewTerms = { readonly role?: string; readonly expiresAt?: number | null }

/** In one step: nobody is without access in between. */
export async function changeGrant(
  access: Pick<Sharing, 'change'>,
  { id }: GrantView,
  { role, expiresAt }: NewTerms,
): Promise<void> {
  await access.change(id, {
    ...(role === undefined ? {} : { role }),
    ...(expiresAt === undefined ? {} : { expiresAt: toIso(expiresAt) }),
  })
}

function toIso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString()
}
