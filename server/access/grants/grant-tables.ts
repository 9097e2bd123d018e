/** The tables of grants and roles, and how their rows become what the code works with. */
import type { StoredGrant, CustomRole } from './grant.ts'

export type GrantRow = {
  readonly id: string
  readonly subject: string
  readonly resource: string
  readonly effect: string
  readonly role: string | null
  /** JSON. */
  readonly capabilities: string | null
  /** JSON. */
  readonly paths: string | null
  readonly condition: string | null
  readonly granted_by: string
  readonly sponsor: string | null
  /** Postgres answers its large integers as texts. */
  readonly created_at: number | string
  readonly expires_at: number | string | null
  readonly status: string
}

export type RoleRow = {
  readonly name: string
  readonly capabilities: string
  readonly paths: string | null
  readonly changed_by: string
  readonly changed_at: number | string
}

export type GrantTables = {
  grants: GrantRow
  roles: RoleRow
  access_version: { readonly id: number; readonly version: number | string }
  access_changes: {
    readonly version: number | string
    readonly subject: string
    readonly resource: string
    readonly changed_at: number | string
  }
}

export function toGrant(row: GrantRow): StoredGrant {
  return {
    id: row.id,
    subject: row.subject,
    resource: row.resource,
    effect: row.effect as StoredGrant['effect'],
    role: row.role,
    capabilities: readJson(row.capabilities) as StoredGrant['capabilities'],
    paths: readJson(row.paths) as StoredGrant['paths'],
    condition: row.condition,
    grantedBy: row.granted_by,
    createdAt: Number(row.created_at),
    status: row.status as StoredGrant['status'],
    ...(row.sponsor === null ? {} : { sponsor: row.sponsor }),
    ...(row.expires_at === null ? {} : { expiresAt: Number(row.expires_at) }),
  }
}

export function toRow(grant: StoredGrant): GrantRow {
  return {
    id: grant.id,
    subject: grant.subject,
    resource: grant.resource,
    effect: grant.effect,
    role: grant.role,
    capabilities: writeJson(grant.capabilities),
    paths: writeJson(grant.paths),
    condition: grant.condition,
    granted_by: grant.grantedBy,
    sponsor: grant.sponsor ?? null,
    created_at: grant.createdAt,
    expires_at: grant.expiresAt ?? null,
    status: grant.status,
  }
}

export function toRole({ name, capabilities, paths }: RoleRow): CustomRole {
  return {
    name,
    capabilities: readJson(capabilities) as CustomRole['capabilities'],
    paths: readJson(paths) as CustomRole['paths'],
  }
}

export function writeJson(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}

function readJson(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}
