import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  capabilities,
  decide,
  decideServer,
  grantSchema,
  matches,
  roles,
  serverRoles,
  type Capability,
  type Grant,
  type Principal,
  type Role,
} from './permissions.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const principal = (grants: readonly Grant[], expiresAt = 2000): Principal => ({
  id: 'alice',
  name: 'Alice',
  kind: 'user',
  tenant: null,
  grants,
  expiresAt,
})

type Asked = { resource?: string; capability?: Capability; at?: number }
const ask = (grants: readonly Grant[], asked: Asked = {}) =>
  decide({
    principal: principal(grants),
    resource: 'acme/plan',
    capability: 'read',
    at: 1000,
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
  })
})

describe('[A4] decisions', () => {
  test('without a grant nothing is allowed', () => {
    for (const capability of capabilities) {
      expect(ask([], { capability })).toEqual({
        allowed: false,
        because: `no grant of alice allows ${capability}`,
      })
    }
  })

  test('an answer names the grant that it comes from, and holds until the token ends', () => {
    expect(ask([{ resource: 'acme/**', role: 'viewer' }])).toEqual({
      allowed: true,
      because: 'viewer of acme/**',
      until: 2000,
    })
  })

  test('a token that ran out allows nothing, from that instant on', () => {
    const grants = [{ resource: '**', role: 'admin' }] as const
    expect(ask(grants, { at: 1999 }).allowed).toBe(true)
    for (const at of [2000, 2001, Number.MAX_SAFE_INTEGER]) {
      expect(ask(grants, { at })).toEqual({ allowed: false, because: 'the token has expired' })
    }
  })

  test('any one of several grants is enough', () => {
    const grants: readonly Grant[] = [
      { resource: 'other', role: 'owner' },
      { resource: 'acme/**', role: 'viewer' },
      { resource: 'acme/plan', role: 'editor' },
    ]
    expect(ask(grants, { capability: 'read' })).toMatchObject({ because: 'viewer of acme/**' })
    expect(ask(grants, { capability: 'write' })).toMatchObject({ because: 'editor of acme/plan' })
    expect(ask(grants, { capability: 'delete' }).allowed).toBe(false)
    expect(ask(grants, { capability: 'write', resource: 'acme/other' }).allowed).toBe(false)
  })
})

describe('patterns of grants', () => {
  test.each([
    ['a/**', 'a/b'],
    ['a/**', 'a/b/c'],
    ['a/b/**', 'a/b/c'],
    ['**', 'a'],
    ['**', 'a/b/c'],
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['a.b/**', 'a.b/c'],
    ['constructor/**', 'constructor/a'],
  ])('%s covers %s', (pattern, resource) => {
    expect(matches(pattern, resource)).toBe(true)
  })

  test.each([
    ['a/**', 'a'],
    ['a/**', 'ab'],
    ['a/**', 'ab/c'],
    ['a/**', 'b/a/c'],
    ['a/**', 'A/b'],
    ['a/b/**', 'a/bc/d'],
    ['a/b/**', 'a/b'],
    ['a', 'a/b'],
    ['a', 'b'],
    ['a/b', 'a'],
    ['a.b/**', 'axb/c'],
  ])('%s does not cover %s', (pattern, resource) => {
    expect(matches(pattern, resource)).toBe(false)
  })

  test.each(['**', 'a', 'a/b', 'a/**', 'a.b~c/d-e_f/**', 'x'.repeat(255)])(
    'a token may name %s',
    resource => {
      expect(grantSchema.safeParse({ resource, role: 'viewer' }).success).toBe(true)
    },
  )

  test.each(['', '*', 'a/*', '**/a', 'a/**/b', 'a**', '/a', 'a/', 'a//b', 'a b', 'x'.repeat(261)])(
    'a token may not name %j',
    resource => {
      expect(grantSchema.safeParse({ resource, role: 'viewer' }).success).toBe(false)
    },
  )

  test.each(['root', 'constructor', 'Viewer', ''])('a token may not name the role %j', role => {
    expect(grantSchema.safeParse({ resource: 'a', role }).success).toBe(false)
  })
})

describe(`[A4] any grants, SEED=${seed}`, () => {
  // Few letters, so that patterns and names often meet.
  const name = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 })
    .map(segments => segments.join('/'))
  const pattern = fc.oneof(
    name,
    name.map(one => `${one}/**`),
    fc.constant('**'),
  )
  const grant: fc.Arbitrary<Grant> = fc.record({
    resource: pattern,
    role: fc.constantFrom(...roles),
  })
  const grants = fc.array(grant, { maxLength: 5 })
  const asked = fc.record({
    resource: name,
    capability: fc.constantFrom(...capabilities),
    at: fc.constantFrom(0, 1999, 2000),
  })
  const check = { seed, numRuns: 500 }

  test('another grant takes no right away, wherever it stands', () => {
    fc.assert(
      fc.property(grants, grant, fc.nat(5), asked, (given, added, at, question) => {
        if (!ask(given, question).allowed) return
        expect(ask(given.toSpliced(at, 0, added), question).allowed).toBe(true)
      }),
      check,
    )
  })

  test('the order of grants changes no answer', () => {
    const twice = grants.chain(given =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
      ),
    )
    fc.assert(
      fc.property(twice, asked, ([given, shuffled], question) => {
        expect(ask(shuffled, question).allowed).toBe(ask(given, question).allowed)
      }),
      check,
    )
  })

  test('a list allows what one of its grants allows alone, and nothing else', () => {
    fc.assert(
      fc.property(grants, asked, (given, question) => {
        const alone = given.some(one => ask([one], question).allowed)
        expect(ask(given, question).allowed).toBe(alone)
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
    decideServer({ principal: principal(grants), roles: ['admin', 'operator'], at })

  test.each(roles)('%s of everything', role => {
    const isAllowed = role === 'admin' || role === 'operator'
    expect(asks([{ resource: '**', role }]).allowed).toBe(isAllowed)
    expect(serverRoles.some(one => one === role) || !isAllowed).toBe(true)
  })

  test('only of everything, only until the token ends, and with the grant that allows it', () => {
    expect(asks([])).toEqual({
      allowed: false,
      because: 'alice is no admin or operator of this server',
    })
    expect(asks([{ resource: 'acme/**', role: 'admin' }]).allowed).toBe(false)
    const grants: Grant[] = [
      { resource: '**', role: 'owner' },
      { resource: '**', role: 'operator' },
    ]
    expect(asks(grants)).toEqual({ allowed: true, because: 'operator of the server', until: 2000 })
    expect(asks(grants, 2000).allowed).toBe(false)
  })
})
