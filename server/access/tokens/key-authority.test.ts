/** What keys may do and give: nothing gets out of a key that is not in it. */
import { describe, expect, test } from 'vitest'
import { decide, decideServer } from '../../../shared/decide.ts'
import { roles, type Capability, type Grant, type Role } from '../../../shared/permissions.ts'
import { testPrincipal } from '../../../shared/test-principal.ts'
import { firstBeyond, grantsOf, isRoleWithin, keyAuthority, limitsOf } from './key-authority.ts'

const authority = (role: Role, ...resources: string[]) =>
  keyAuthority.parse({ scopes: ['tokens:create'], resources, role })

describe('what a key may give', () => {
  const key = authority('editor', 'acme/**', 'shared')

  test.each<[string, Role, boolean]>([
    ['acme/**', 'editor', true],
    ['acme/notes', 'viewer', true],
    ['acme/deep/er/**', 'commenter', true],
    ['shared', 'peer', true],
    ['**', 'viewer', false],
    ['acme', 'viewer', false],
    ['acmes/**', 'viewer', false],
    ['shared/**', 'viewer', false],
    ['acme/**', 'owner', false],
    ['acme/**', 'supervisor', false],
    ['acme/**', 'admin', false],
    ['acme/**', 'operator', false],
    ['acme/**', 'analyst', false],
  ])('[K7] %s %s: %s', (resource, role, allowed) => {
    expect(firstBeyond(key, [{ resource, role }]) === undefined).toBe(allowed)
  })

  test('[K7] no role leads to a role of the server but itself and admin', () => {
    for (const most of roles) {
      for (const role of ['admin', 'operator', 'analyst'] as const) {
        expect(isRoleWithin(role, most)).toBe(most === 'admin' || most === role)
      }
    }
  })

  test('[K7] a subject with grants of its own does not lead out of the key', () => {
    const stored: Grant[] = [{ resource: '**', role: 'admin' }]
    const holder = testPrincipal({ id: 'root', grants: stored, limits: limitsOf(key) })
    const may = (resource: string, capability: Capability) =>
      decide({ principal: holder, rules: [], resource, capability, at: 0, address: null }).allowed
    expect([may('acme/a', 'write'), may('shared', 'write')]).toEqual([true, true])
    expect([may('acme/a', 'delete'), may('acme/a', 'share')]).toEqual([false, false])
    expect([may('other/a', 'read'), may('acme', 'read')]).toEqual([false, false])
    const server = { principal: holder, rules: [], at: 0, address: null }
    expect(decideServer({ ...server, roles: ['admin', 'operator', 'analyst'] }).allowed).toBe(false)
    const free = { ...server, principal: testPrincipal({ grants: stored }) }
    expect(decideServer({ ...free, roles: ['admin'] }).allowed).toBe(true)
  })
})

describe('what a key may do itself', () => {
  test.each<[readonly string[], Role, readonly string[]]>([
    [['tokens:create'], 'owner', []],
    [['documents:read'], 'owner', ['viewer of acme/**']],
    [['documents:write'], 'owner', ['owner of acme/**']],
    [['documents:write'], 'admin', ['owner of acme/**']],
    [['documents:write'], 'commenter', ['commenter of acme/**']],
    [['grants:manage'], 'owner', ['supervisor of acme/**']],
  ])('%j up to %s', (scopes, role, expected) => {
    const key = keyAuthority.parse({ scopes, role, resources: ['acme/**'] })
    expect(grantsOf(key).map(one => `${one.role} of ${one.resource}`)).toEqual(expected)
  })

  test.each([
    { scopes: [] },
    { scopes: ['everything'] },
    { scopes: ['admin'] },
    { scopes: ['admin'], role: 'admin', resources: ['acme/**'] },
    { scopes: ['audit:read'], resources: ['acme/**'] },
    { scopes: ['documents:write'], role: 'operator' },
    { scopes: ['documents:write'], role: 'viewer' },
    { scopes: ['grants:manage'], role: 'editor' },
    { scopes: ['documents:read'], resources: ['acme/*'] },
    { scopes: ['documents:read'], resources: [] },
  ])('refused: %j', told => {
    expect(keyAuthority.safeParse(told).success).toBe(false)
  })
})
