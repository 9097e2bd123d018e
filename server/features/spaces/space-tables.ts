/** The tables of spaces, and how their rows become what the code works with. */
import type { SpaceName } from '../../../shared/names.ts'
import type { Joining, JoinRole, Space } from './space.ts'

/** Postgres answers its large integers as texts. */
type Integer = number | string

export type SpaceRow = {
  readonly name: string
  readonly title: string | null
  readonly created_by: string
  readonly tenant: string | null
  readonly created_at: Integer
  readonly max_size: number | null
  readonly expires_at: Integer | null
  readonly closed_at: Integer | null
  readonly joining: string
  readonly join_role: string
}

export type MemberState = 'joined' | 'removed'

export type SpaceTables = {
  spaces: SpaceRow & { readonly entries: number }
  space_members: {
    readonly space: string
    readonly user_id: string
    readonly state: string
    readonly grant_id: string | null
    readonly changed_at: Integer
  }
  space_seats: {
    readonly space: string
    readonly principal: string
    readonly node: string
    readonly until: Integer
  }
  /** Of the room of grants, for reading: a member is who has one on the whole of a space. */
  grants: {
    readonly id: string
    readonly subject: string
    readonly resource: string
    readonly effect: string
    readonly role: string | null
    readonly granted_by: string
    readonly created_at: Integer
    readonly expires_at: Integer | null
    readonly status: string
  }
}

export function toSpace(row: SpaceRow): Space {
  return {
    name: row.name as SpaceName,
    title: row.title,
    createdBy: row.created_by,
    tenant: row.tenant,
    createdAt: Number(row.created_at),
    maxSize: row.max_size,
    expiresAt: numberOrNull(row.expires_at),
    closedAt: numberOrNull(row.closed_at),
    joining: row.joining as Joining,
    joinRole: row.join_role as JoinRole,
  }
}

export function toRow(space: Space): SpaceRow {
  return {
    name: space.name,
    title: space.title,
    created_by: space.createdBy,
    tenant: space.tenant,
    created_at: space.createdAt,
    max_size: space.maxSize,
    expires_at: space.expiresAt,
    closed_at: space.closedAt,
    joining: space.joining,
    join_role: space.joinRole,
  }
}

export function numberOrNull(value: Integer | null): number | null {
  return value === null ? null : Number(value)
}
