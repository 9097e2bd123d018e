/** A principal for tests: says what matters to the test, and takes the rest as it comes. */
import type { Principal } from './permissions.ts'

export function testPrincipal(told: Partial<Principal> = {}): Principal {
  const id = told.id ?? 'alice'
  const expiresAt = told.expiresAt ?? Number.MAX_SAFE_INTEGER
  return {
    id,
    name: id,
    color: null,
    avatar: null,
    kind: 'user',
    tenant: null,
    groups: [],
    grants: [],
    limits: null,
    tokenId: null,
    issuer: null,
    claims: {},
    writesUntil: expiresAt,
    expiresAt,
    ...told,
  }
}
