/** The system's documents: whose rules count there, held against what the rules say elsewhere. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ruledAs } from './decide-system.ts'
import { decide, type Rule } from './decide.ts'
import { capabilities, roleCapabilities, roles, type Capability, type Role } from './permissions.ts'
import { testPrincipal } from './test-principal.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const rule = (resource: string, role: Role, effect: Rule['effect'] = 'allow'): Rule => ({
  id: 'g1',
  subject: { kind: 'self' },
  resource,
  effect,
  role,
  capabilities: roleCapabilities[role],
  paths: null,
  expiresAt: Infinity,
  condition: null,
})

const may = (
  resource: string,
  capability: Capability,
  rules: readonly Rule[] = [],
  principal = testPrincipal(),
) => decide({ principal, rules, resource, capability, at: 1, address: null }).allowed

describe('[S2] the document of a space', () => {
  test('is read by what covers the whole of the space, and by nothing less', () => {
    const name = '~space/acme/plan'
    for (const resource of ['acme/plan/**', 'acme/**', '**']) {
      expect(may(name, 'read', [rule(resource, 'viewer')])).toBe(true)
      expect(may(name, 'create', [rule(resource, 'viewer')])).toBe(true)
    }
    for (const resource of [
      'acme/plan',
      'acme/plan/notes',
      'acme/planes/**',
      'acme/plan/x/**',
      name,
    ]) {
      expect(may(name, 'read', [rule(resource, 'owner')])).toBe(false)
    }
    const denial = rule('acme/plan/**', 'owner', 'deny')
    expect(may(name, 'read', [rule('acme/**', 'owner'), denial])).toBe(false)
  })

  test(`says what any document of it without rules of its own would, SEED=${seed}`, () => {
    const resource = fc.constantFrom('**', 'a/**', 'a/b/**', 'a/b', 'a/c/**', 'a/b/x')
    const effect = fc.constantFrom('allow', 'allow', 'deny' as const)
    const rules = fc.array(
      fc
        .tuple(resource, fc.constantFrom(...roles), effect)
        .map(([where, role, what]) => rule(where, role, what)),
      { maxLength: 5 },
    )
    fc.assert(
      fc.property(rules, given => {
        expect(may('~space/a/b', 'read', given)).toBe(may('a/b/unheard-of', 'read', given))
      }),
      { seed, numRuns: 2_000 },
    )
  })

  test('is written by nobody', () => {
    const admin = [rule('**', 'admin')]
    for (const capability of ['comment', 'write', 'delete', 'share'] as const) {
      expect(may('~space/acme', capability, admin)).toBe(false)
    }
  })

  test('the name of its rules is the name of no document, so that nobody is granted it', () => {
    expect(ruledAs('~space/acme/plan')).toBe('acme/plan/')
    expect(ruledAs('acme/plan')).toBe('acme/plan')
    expect(may('~space/acme', 'read', [rule('acme/~', 'owner')])).toBe(false)
  })
})

describe('[S9] the document of a user', () => {
  const ada = testPrincipal({ id: 'ada' })

  test('is its owner’s, whatever is granted or denied', () => {
    const denied = [rule('**', 'owner', 'deny'), rule('~user/ada', 'owner', 'deny')]
    for (const rules of [[], denied]) {
      for (const capability of ['read', 'comment', 'write', 'create'] as const) {
        expect(may('~user/ada', capability, rules, ada)).toBe(true)
      }
      expect(may('~user/ada', 'share', rules, ada)).toBe(false)
    }
  })

  test('is nobody else’s but admins’', () => {
    const bob = testPrincipal({
      id: 'bob',
      grants: [
        { resource: '~user/ada', role: 'owner' },
        { resource: '~user/**', role: 'admin' },
        { resource: '**', role: 'owner' },
      ],
    })
    const rules = [rule('**', 'owner'), rule('~user/**', 'owner'), rule('~user/ada', 'editor')]
    for (const capability of capabilities) {
      expect(may('~user/ada', capability, rules, bob)).toBe(false)
    }
    expect(may('~user/ada', 'read', [rule('**', 'admin')], bob)).toBe(true)
    expect(may('~user/t1/ada', 'read', [], ada)).toBe(false)
    expect(may('~user/ada', 'read', [], { ...ada, tenant: 't1' })).toBe(false)
    expect(may('~user/t1/ada', 'read', [], { ...ada, tenant: 't1' })).toBe(true)
  })

  test('stays within the limits of the token', () => {
    const limited = { ...ada, limits: [{ resource: 'acme/**', role: 'editor' as const }] }
    expect(may('~user/ada', 'read', [], limited)).toBe(false)
    const reading = { ...ada, limits: [{ resource: '~user/ada', role: 'viewer' as const }] }
    expect(may('~user/ada', 'read', [], reading)).toBe(true)
    expect(may('~user/ada', 'write', [], reading)).toBe(false)
    expect(may('~user/ada', 'read', [], { ...ada, expiresAt: 1, writesUntil: 1 })).toBe(false)
  })
})
