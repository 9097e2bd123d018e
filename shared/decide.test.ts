import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decide,
  decideServer,
  type Condition,
  type Facts,
  type Rule,
  type Subject,
} from './decide.ts'
import {
  capabilities,
  matches,
  patternsOf,
  roleCapabilities,
  roles,
  serverRoles,
  type Capability,
  type Grant,
  type Role,
} from './permissions.ts'
import { testPrincipal } from './test-principal.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const self: Subject = { kind: 'self' }
const everyone: Subject = { kind: 'everyone' }
const group = (name: string): Subject => ({ kind: 'group', name })

function rule(resource: string, role: Role, more: Partial<Rule> = {}): Rule {
  return {
    id: 'g1',
    subject: self,
    resource,
    effect: 'allow',
    role,
    capabilities: roleCapabilities[role],
    paths: null,
    expiresAt: Infinity,
    condition: null,
    ...more,
  }
}

type Asked = { resource?: string; capability?: Capability; at?: number; rules?: readonly Rule[] }
const ask = (grants: readonly Grant[], { rules = [], ...asked }: Asked = {}) =>
  decide({
    principal: testPrincipal({ grants, writesUntil: 2000, expiresAt: 2030 }),
    rules,
    resource: 'acme/plan',
    capability: 'read',
    at: 1000,
    address: null,
    ...asked,
  })

/** Rows: roles; columns: read, comment, write, create, delete, share. */
const table = `
  viewer     yes  -    -    -    -    -
  commenter  yes  yes  -    -    -    -
  editor     yes  yes  yes  yes  -    -
  owner      yes  yes  yes  yes  yes  yes
  admin      yes  yes  yes  yes  yes  yes
  operator   -    -    -    -    -    -
  analyst    -    -    -    -    -    -
  readonly   yes  -    -    -    -    -
  peer       yes  yes  yes  yes  -    -
  supervisor yes  yes  yes  yes  -    yes
`

const rows = table
  .trim()
  .split('\n')
  .map(line => line.trim().split(/\s+/))
const columns: readonly Capability[] = ['read', 'comment', 'write', 'create', 'delete', 'share']
const cells = rows.flatMap(([role = '', ...row]) =>
  columns.map((capability, column) => ({
    role: role as Role,
    capability,
    allowed: row[column] === 'yes',
  })),
)

describe('[A4] what a role may do', () => {
  test('the table names every role and every capability', () => {
    expect(rows.map(([role]) => role)).toEqual(roles)
    expect(columns).toEqual(capabilities)
  })

  test.each(cells)('$role, $capability: $allowed', ({ role, capability, allowed }) => {
    expect(ask([{ resource: 'acme/plan', role }], { capability }).allowed).toBe(allowed)
    expect(ask([{ resource: 'acme/other', role }], { capability }).allowed).toBe(false)
    expect(ask([], { capability, rules: [rule('acme/plan', role)] }).allowed).toBe(allowed)
  })
})

describe('[A4] decisions', () => {
  test('without a grant nothing is allowed', () => {
    for (const capability of capabilities) {
      expect(ask([], { capability })).toMatchObject({
        allowed: false,
        because: expect.stringMatching(/^no grant of alice allows /) as unknown,
      })
    }
  })

  test('an answer names the grant that it comes from, and until when it holds', () => {
    expect(ask([{ resource: 'acme/**', role: 'viewer' }])).toEqual({
      allowed: true,
      because: 'viewer of acme/** (token)',
      until: 2030,
      paths: null,
    })
    const rules = [rule('acme/**', 'editor', { expiresAt: 1500 })]
    expect(ask([], { rules, capability: 'write' })).toEqual({
      allowed: true,
      because: 'editor of acme/** (grant g1)',
      until: 1500,
      paths: null,
    })
  })

  test('at its end a token writes no more, and a little later it is nobody', () => {
    const grants = [{ resource: '**', role: 'admin' }] as const
    const allowed = (capability: Capability, at: number) => ask(grants, { capability, at }).allowed
    expect(allowed('write', 1999)).toBe(true)
    expect(allowed('write', 2000)).toBe(false)
    expect(allowed('read', 2029)).toBe(true)
    expect(allowed('read', 2030)).toBe(false)
    expect(ask(grants, { at: 2030 }).because).toBe('the token has expired')
  })

  test('nearest wins: a document’s grant replaces that of its space, for better or worse', () => {
    const grants: readonly Grant[] = [
      { resource: '**', role: 'viewer' },
      { resource: 'acme/**', role: 'editor' },
      { resource: 'acme/plan', role: 'commenter' },
    ]
    expect(ask(grants, { capability: 'write' }).allowed).toBe(false)
    expect(ask(grants, { capability: 'comment' }).because).toBe('commenter of acme/plan (token)')
    expect(ask(grants, { capability: 'write', resource: 'acme/other' }).allowed).toBe(true)
    expect(ask(grants, { capability: 'write', resource: 'other/plan' }).allowed).toBe(false)
    const raised = [rule('acme/plan', 'editor')]
    expect(
      ask([{ resource: '**', role: 'viewer' }], { capability: 'write', rules: raised }).allowed,
    ).toBe(true)
  })

  test('what everybody may lowers nobody', () => {
    const rules = [rule('acme/plan', 'viewer', { subject: everyone })]
    const owner: readonly Grant[] = [{ resource: '**', role: 'owner' }]
    expect(ask(owner, { capability: 'share', rules }).allowed).toBe(true)
    expect(ask([], { capability: 'read', rules }).allowed).toBe(true)
    expect(ask([], { capability: 'write', rules }).allowed).toBe(false)
  })

  test('a denial counts on its level and further away, whomever it is about', () => {
    const denial = (resource: string, more: Partial<Rule> = {}) =>
      rule(resource, 'viewer', { id: 'd', effect: 'deny', role: null, ...more })
    const owner: readonly Grant[] = [{ resource: 'acme/**', role: 'owner' }]
    const allowed = (rules: readonly Rule[]) => ask(owner, { rules }).allowed
    expect(allowed([denial('**')])).toBe(true)
    expect(allowed([denial('acme/**')])).toBe(false)
    expect(allowed([denial('acme/plan', { subject: group('staff') })])).toBe(false)
    expect(allowed([denial('acme/**', { expiresAt: 1000 })])).toBe(true)
    expect(ask(owner, { rules: [denial('acme/**')] }).because).toBe(
      'read of acme/** (grant d) denies read',
    )
    const writing = denial('acme/plan', { capabilities: ['write'] })
    expect(ask(owner, { rules: [writing] }).allowed).toBe(true)
    expect(ask(owner, { rules: [writing], capability: 'write' }).allowed).toBe(false)
  })

  test('without reading there is nothing else', () => {
    const blind = rule('acme/plan', 'editor', { capabilities: ['write'], role: null })
    expect(ask([], { rules: [blind], capability: 'write' }).allowed).toBe(false)
    const denied = rule('acme/plan', 'viewer', { effect: 'deny' })
    const owner: readonly Grant[] = [{ resource: 'acme/**', role: 'owner' }]
    expect(ask(owner, { rules: [denied], capability: 'write' }).allowed).toBe(false)
  })

  test('paths add up, and one grant without them is enough', () => {
    const limited = (path: string, subject = self) =>
      rule('acme/plan', 'editor', { paths: [path], subject })
    const paths = (rules: readonly Rule[]) => {
      const decision = ask([], { rules, capability: 'write' })
      return decision.allowed ? decision.paths : 'denied'
    }
    expect(paths([limited('comments')])).toEqual(['comments'])
    expect(paths([limited('comments'), limited('fields.*')])).toEqual(['comments', 'fields.*'])
    expect(paths([limited('comments'), rule('**', 'editor', { subject: everyone })])).toBe(null)
  })

  test('a refusal names the grant whose condition does not hold', () => {
    const condition: Condition = { text: 'false', holds: () => false, dependsOnTime: false }
    const rules = [rule('acme/plan', 'viewer', { condition })]
    expect(ask([], { rules }).because).toBe(
      'no grant of alice allows read; the condition of viewer of acme/plan (grant g1) does not hold',
    )
    expect(ask([], { rules, capability: 'write' }).because).toMatch(/does not hold$/)
    expect(ask([], { rules: [rule('acme/other', 'viewer', { condition })] }).because).toBe(
      'no grant of alice allows read',
    )
  })

  test('a condition on the time is asked again each second', () => {
    const condition: Condition = {
      text: 'now < 1500',
      holds: ({ at }) => at < 1500,
      dependsOnTime: true,
    }
    const rules = [rule('acme/plan', 'viewer', { condition })]
    expect(ask([], { rules })).toMatchObject({ allowed: true, until: 2000 })
    expect(ask([], { rules, at: 1500 }).allowed).toBe(false)
  })
})

/** The rules as one would say them: walk from the document outwards. */
function naive(rules: readonly Rule[], resource: string, capability: Capability, at: number) {
  const inForce = rules.filter(
    one =>
      at < one.expiresAt &&
      matches(one.resource, resource) &&
      (one.condition === null || one.condition.holds({ at, address: null, claims: {} })),
  )
  if (
    inForce.some(one => one.resource === '**' && one.role === 'admin' && one.effect === 'allow')
  ) {
    return true
  }
  const may = (wanted: Capability) =>
    [...new Set(inForce.map(one => JSON.stringify(one.subject)))].some(subject => {
      for (const pattern of patternsOf(resource)) {
        const level = inForce.filter(one => one.resource === pattern)
        const denies = (one: Rule) => one.effect === 'deny' && one.capabilities.includes(wanted)
        if (level.some(denies)) return false
        const own = level.filter(
          one => one.effect === 'allow' && JSON.stringify(one.subject) === subject,
        )
        if (own.length > 0) return own.some(one => one.capabilities.includes(wanted))
      }
      return false
    })
  return may('read') && may(capability)
}

describe(`[A4] any rules, SEED=${seed}`, () => {
  // Few letters, so that patterns and names often meet.
  const name = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 })
    .map(segments => segments.join('/'))
  const pattern = fc.oneof(
    name,
    name.map(one => `${one}/**`),
    fc.constant('**'),
  )
  const condition: fc.Arbitrary<Condition | null> = fc.constantFrom(
    null,
    null,
    { text: 'false', holds: () => false, dependsOnTime: false },
    { text: 'later', holds: (facts: Facts) => facts.at > 500, dependsOnTime: true },
  )
  const anyRule: fc.Arbitrary<Rule> = fc.record({
    id: fc.constant('g'),
    subject: fc.constantFrom(self, everyone, group('a'), group('b')),
    resource: pattern,
    effect: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
    role: fc.constantFrom(null, null, null, null, null, 'admin'),
    capabilities: fc.subarray([...capabilities]),
    paths: fc.constant(null),
    expiresAt: fc.constantFrom(Infinity, Infinity, 600, 1500),
    condition,
  })
  const asked = fc.record({
    rules: fc.array(anyRule, { maxLength: 7 }),
    resource: name,
    capability: fc.constantFrom(...capabilities),
    at: fc.constantFrom(0, 600, 1400, 1999),
  })
  const check = { seed, numRuns: 500 }

  test('100,000 sets answer as the naive walk does', () => {
    let allowed = 0
    fc.assert(
      fc.property(asked, question => {
        const answer = ask([], question).allowed
        const { rules, resource, capability, at } = question
        expect(answer).toBe(naive(rules, resource, capability, at))
        if (answer) allowed += 1
      }),
      { seed, numRuns: 100_000 },
    )
    // A test that never meets a yes would prove little.
    expect(allowed).toBeGreaterThan(5_000)
  }, 60_000)

  test('the answer holds as long as it says', () => {
    fc.assert(
      fc.property(asked, fc.nat(3000), ({ rules, ...question }, later) => {
        // Between two looks at the clock a condition may be up to a second late.
        const steady = rules.filter(({ condition }) => condition?.dependsOnTime !== true)
        const first = ask([], { ...question, rules: steady })
        const at = Math.min(question.at + later, first.until - 1)
        if (at < question.at) return
        expect(ask([], { ...question, rules: steady, at }).allowed).toBe(first.allowed)
      }),
      { seed, numRuns: 5_000 },
    )
  })

  test('the order of rules changes no answer', () => {
    fc.assert(
      fc.property(asked, question => {
        const reversed = { ...question, rules: question.rules.toReversed() }
        expect(ask([], reversed).allowed).toBe(ask([], question).allowed)
      }),
      check,
    )
  })

  test('a pattern covers exactly what stands below it', () => {
    fc.assert(
      fc.property(pattern, name, (given, resource) => {
        const wanted = given.split('/')
        const segments = resource.split('/')
        const isPrefix = wanted.at(-1) === '**'
        const fixed = isPrefix ? wanted.slice(0, -1) : wanted
        const covers =
          fixed.every((segment, i) => segments[i] === segment) &&
          (isPrefix ? segments.length > fixed.length : segments.length === fixed.length)
        expect(matches(given, resource)).toBe(covers)
      }),
      check,
    )
  })
})

describe('[A7] who may act on the server', () => {
  const asks = (grants: readonly Grant[], at = 1000) =>
    decideServer({
      principal: testPrincipal({ grants, writesUntil: 2000, expiresAt: 2030 }),
      rules: [],
      roles: ['admin', 'operator'],
      at,
      address: null,
    })

  test.each(roles)('%s of everything', role => {
    const isAllowed = role === 'admin' || role === 'operator'
    expect(asks([{ resource: '**', role }]).allowed).toBe(isAllowed)
    expect(serverRoles.some(one => one === role) || !isAllowed).toBe(true)
  })

  test('only of everything, only until the token ends, and with the grant that allows it', () => {
    expect(asks([])).toMatchObject({
      allowed: false,
      because: 'alice is no admin or operator of this server',
    })
    expect(asks([{ resource: 'acme/**', role: 'admin' }]).allowed).toBe(false)
    const grants: Grant[] = [
      { resource: '**', role: 'owner' },
      { resource: '**', role: 'operator' },
    ]
    expect(asks(grants)).toMatchObject({
      allowed: true,
      because: 'operator of the server',
      until: 2000,
    })
    expect(asks(grants, 2000).allowed).toBe(false)
  })
})
