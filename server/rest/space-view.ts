/** How spaces and their members look over REST. */
import { z } from '@hono/zod-openapi'
import type { SpaceDetailsView, SpaceMemberView, SpaceView } from '../../shared/space-views.ts'
import { joinings, joinRoles, spaceStatuses } from '../features/spaces/space.ts'
import type { Member, SpaceDetails, SpaceInfo } from '../features/spaces/space-views.ts'

const instant = z.iso.datetime()

export const spaceBody = z
  .object({
    name: z.string(),
    title: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdAt: instant.nullable(),
    maxSize: z.number().int().nullable(),
    expiresAt: instant.nullable(),
    status: z.enum(spaceStatuses),
    joining: z.enum(joinings),
    joinRole: z.enum(joinRoles).nullable(),
  })
  .openapi('Space')

export const spaceDetailsBody = spaceBody
  .extend({
    memberCount: z.number().int().openapi({ description: 'Users with a grant on all of it.' }),
    presentCount: z.number().int().openapi({ description: 'People in it now, on all nodes.' }),
  })
  .openapi('SpaceDetails')

export const memberBody = z
  .object({
    user: z.string(),
    name: z.string().nullable().openapi({ description: 'As they show themselves, when present.' }),
    role: z.string().nullable(),
    grantedBy: z.string(),
    since: instant,
    expiresAt: instant.nullable(),
    present: z.boolean(),
  })
  .openapi('SpaceMember')

export function toSpaceView(space: SpaceInfo): SpaceView {
  const { createdAt, expiresAt, ...rest } = space
  return { ...rest, createdAt: toIso(createdAt), expiresAt: toIso(expiresAt) }
}

export function toSpaceDetailsView(space: SpaceDetails): SpaceDetailsView {
  const { memberCount, presentCount, ...info } = space
  return { ...toSpaceView(info), memberCount, presentCount }
}

export function toMemberView({ since, expiresAt, ...rest }: Member): SpaceMemberView {
  return { ...rest, since: new Date(since).toISOString(), expiresAt: toIso(expiresAt) }
}

function toIso(instantMs: number | null): string | null {
  return instantMs === null ? null : new Date(instantMs).toISOString()
}
