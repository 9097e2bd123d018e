/** Requests for access over both databases, with two servers on one store, and who tries what. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WeftError } from '../../../shared/errors.ts'
import { ManualClock } from '../../../shared/manual-clock.ts'
import type { Database } from '../../database/database.ts'
import {
  noPostgres,
  postgresStore,
  sqliteStore,
  START_MS,
  type TokenStore,
} from '../tokens/testing/token-stores.ts'
import { requestNode, someone, type RequestNode } from './testing/request-node.ts'

const owner = someone('owner', [{ resource: 'acme/**', role: 'owner' }])
const admin = someone('root', [{ resource: '**', role: 'admin' }])
const guest = someone('guest')
const HOUR_MS = 3_600_000

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'taken',
    (error: unknown) => (error instanceof WeftError ? error.code : String(error)),
  )

const stores: readonly [string, boolean, () => Promise<TokenStore>][] = [
  ['sqlite', false, sqliteStore],
  ['postgres', noPostgres, postgresStore],
]

describe.each(stores)('requests for access on %s', (_name, isAbsent, create) => {
  let store: TokenStore
  let clock: ManualClock
  let node: RequestNode
  /** A failure that the next transaction meets before it is committed. */
  let failure: Error | undefined
  let opened: { readonly node: RequestNode; readonly database: Database }[] = []
  const another = () => {
    const database = store.open()
    const beforeAudit = () => {
      if (failure !== undefined) throw failure
    }
    const made = requestNode({ database, clock, beforeAudit })
    opened.push({ node: made, database })
    return made
  }
  const grantsOf = (id: string) => node.grants.list({ subject: `user:${id}`, limit: 100 })

  beforeAll(async () => {
    if (!isAbsent) store = await create()
  }, 60_000)
  afterAll(async () => {
    if (!isAbsent) await store.remove()
  })
  beforeEach(async () => {
    if (isAbsent) return
    failure = undefined
    clock = new ManualClock(START_MS)
    node = another()
    await node.clear()
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) {
      await one.node.close()
      await one.database.close()
    }
  })

  test.skipIf(isAbsent)(
    '[Q1] asked, approved for less, in force, over: each step told and written down',
    async () => {
      const asked = await node.ask(guest, { durationMs: 2 * HOUR_MS, reason: 'the audit' })
      expect(asked).toMatchObject({ status: 'pending', requestedBy: 'guest', awaiting: [] })
      expect(await node.see(owner, asked.id)).toMatchObject({
        awaiting: ['owners'],
        mayDecide: true,
      })
      const order = { decision: 'approve', role: 'viewer', durationMs: HOUR_MS } as const
      const granted = await node.decide(owner, asked.id, order)
      expect(granted).toMatchObject({
        status: 'granted',
        role: 'viewer',
        expiresAt: new Date(START_MS + HOUR_MS).toISOString(),
        decisions: [{ by: 'owner', decision: 'approve' }],
      })
      expect(await grantsOf('guest')).toMatchObject([
        {
          id: granted.grantId,
          resource: 'acme/plan',
          role: 'viewer',
          grantedBy: 'owner',
          sponsor: 'owner',
          expiresAt: START_MS + HOUR_MS,
          status: 'active',
        },
      ])
      clock.advance(HOUR_MS)
      await node.timer.look()
      expect(await node.see(guest, asked.id)).toMatchObject({ status: 'ended' })
      expect(await node.actions()).toEqual([
        'request.create',
        'request.approve',
        'grant.create',
        'request.end',
      ])
      expect(node.events.map(({ name }) => name)).toEqual([
        'access.requested',
        'access.granted',
        'access.ended',
      ])
      expect((await node.audit.verify()).ok).toBe(true)
    },
  )

  test.skipIf(isAbsent)(
    '[Q2] nobody decides for themselves, unasked, or gives more than asked or owned',
    async () => {
      const supervisor = someone('sue', [{ resource: 'acme/**', role: 'supervisor' }])
      const editor = someone('eve', [{ resource: 'acme/**', role: 'editor' }])
      const approve = { decision: 'approve' } as const
      const own = await node.ask(owner)
      expect(await codeOf(node.decide(owner, own.id, approve))).toBe('FORBIDDEN')
      const asRoot = await node.ask(admin)
      const past = { ...approve, override: true, reason: 'because' }
      expect(await codeOf(node.decide(admin, asRoot.id, past))).toBe('FORBIDDEN')

      const { id } = await node.ask(guest, { role: 'viewer', durationMs: HOUR_MS })
      expect(await codeOf(node.decide(guest, id, approve))).toBe('FORBIDDEN')
      expect(await codeOf(node.decide(editor, id, approve))).toBe('ACCESS_REQUEST_NOT_FOUND')
      const wider = { ...approve, role: 'editor' } as const
      expect(await codeOf(node.decide(owner, id, wider))).toBe('FORBIDDEN')
      const longer = { ...approve, durationMs: HOUR_MS + 1 }
      expect(await codeOf(node.decide(owner, id, longer))).toBe('FORBIDDEN')

      // Sue may share, and may not delete: an owner's role is not hers to give.
      await node.policy(owner, 'acme/**', { ceiling: { roles: ['owner'], maxDurationMs: HOUR_MS } })
      const much = await node.ask(someone('gus'), { role: 'owner' })
      expect(await codeOf(node.decide(supervisor, much.id, approve))).toBe('FORBIDDEN')
      const less = { ...approve, role: 'editor' } as const
      expect(await codeOf(node.decide(supervisor, much.id, less))).toBe('taken')
      expect(await grantsOf('guest')).toEqual([])
      const keyed = { limits: [{ resource: 'other/**', role: 'owner' as const }] }
      const limited = someone('owner', [{ resource: 'acme/**', role: 'owner' }], keyed)
      const deny = { decision: 'deny' } as const
      expect(await codeOf(node.decide(limited, id, deny))).toBe('ACCESS_REQUEST_NOT_FOUND')
      expect(await node.see(owner, id)).toMatchObject({ status: 'pending', decisions: [] })
    },
  )

  test.skipIf(isAbsent)(
    '[Q2] a listed approver who could not give it themselves may deny it, and no more',
    async () => {
      const steps = [{ mode: 'any', approvers: ['user:clerk'], timeoutMs: 60_000 }]
      await node.policy(owner, 'acme/**', { steps })
      const clerk = someone('clerk')
      const { id } = await node.ask(guest)
      expect(await codeOf(node.decide(clerk, id, { decision: 'approve' }))).toBe('FORBIDDEN')
      expect(await codeOf(node.decide(clerk, id, { decision: 'deny' }))).toBe('taken')
    },
  )

  test.skipIf(isAbsent)('[Q3] a decision counts once', async () => {
    const { id } = await node.ask(guest)
    await node.decide(owner, id, { decision: 'approve' })
    for (const decision of ['approve', 'deny', 'confirm'] as const) {
      expect(await codeOf(node.decide(owner, id, { decision }))).toBe('ACCESS_REQUEST_DECIDED')
    }
    expect(await codeOf(node.requests.cancel(guest, id))).toBe('ACCESS_REQUEST_DECIDED')
    expect(await grantsOf('guest')).toHaveLength(1)

    const steps = [
      { mode: 'any', approvers: ['owners'], timeoutMs: 60_000 },
      { mode: 'any', approvers: ['owners'], timeoutMs: 60_000 },
    ]
    await node.policy(owner, 'acme/**', { steps })
    const second = await node.ask(guest)
    const approve = { decision: 'approve' } as const
    expect(await node.decide(owner, second.id, approve)).toMatchObject({ status: 'pending' })
    expect(await codeOf(node.decide(owner, second.id, approve))).toBe('ACCESS_REQUEST_DECIDED')
    const other = someone('olga', [{ resource: 'acme/**', role: 'owner' }])
    expect(await node.decide(other, second.id, approve)).toMatchObject({ status: 'granted' })
  })

  test.skipIf(isAbsent)(
    '[Q4] of two servers that decide at once one does, and the grant is as it says',
    async () => {
      const other = another()
      const won = { approve: 0, deny: 0 }
      for (let round = 0; round < 10; round++) {
        const who = someone(`guest${round}`)
        const { id } = await node.ask(who)
        const both = await Promise.allSettled([
          node.decide(owner, id, { decision: 'approve' }),
          other.decide(owner, id, { decision: 'deny' }),
        ])
        expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        // Whoever came too late is told so, and not that something went wrong.
        const lost = both.find(one => one.status === 'rejected')
        expect(lost?.reason).toMatchObject({ code: 'ACCESS_REQUEST_DECIDED' })
        const { status, decisions } = await node.see(owner, id)
        expect(decisions).toHaveLength(1)
        expect(await grantsOf(`guest${round}`)).toHaveLength(status === 'granted' ? 1 : 0)
        won[status === 'granted' ? 'approve' : 'deny'] += 1
      }
      expect(won.approve + won.deny).toBe(10)
      expect((await node.audit.verify()).ok).toBe(true)
    },
  )

  test.skipIf(isAbsent)(
    '[Q4] approvals of one step that come at once on two servers both count',
    async () => {
      const steps = [{ mode: 'all', approvers: ['user:owner', 'group:legal'], timeoutMs: 60_000 }]
      await node.policy(owner, 'acme/**', { steps })
      const lawyer = someone('lea', owner.principal.grants, { groups: ['legal'] })
      const other = another()
      for (let round = 0; round < 5; round++) {
        const { id } = await node.ask(someone(`guest${round}`))
        await Promise.all([
          node.decide(owner, id, { decision: 'approve' }),
          other.decide(lawyer, id, { decision: 'approve' }),
        ])
        const seen = await node.see(owner, id)
        expect(seen).toMatchObject({ status: 'granted' })
        expect(seen.decisions.map(({ by }) => by).toSorted()).toEqual(['lea', 'owner'])
        expect(await grantsOf(`guest${round}`)).toHaveLength(1)
      }
    },
  )

  test.skipIf(isAbsent)(
    '[Q5] what nobody answers in time expires, once, whichever server is still there',
    async () => {
      const { id } = await node.ask(guest)
      const later = await node.ask(guest, { resource: 'acme/other' })
      await opened[0]?.node.close()
      clock.advance(7 * 24 * HOUR_MS - 1)
      node = another()
      const third = another()
      await Promise.all([node.timer.look(), third.timer.look()])
      expect(await node.see(guest, id)).toMatchObject({ status: 'pending' })
      await node.requests.cancel(guest, later.id)
      clock.advance(1)
      await Promise.all([node.timer.look(), third.timer.look()])
      expect(await third.see(guest, id)).toMatchObject({ status: 'expired' })
      expect(await codeOf(node.decide(owner, id, { decision: 'approve' }))).toBe(
        'ACCESS_REQUEST_DECIDED',
      )
      const names = [...node.events, ...third.events].map(({ name }) => name)
      expect(names).toEqual(['access.cancelled', 'access.expired'])
    },
  )

  test.skipIf(isAbsent)('[Q5] or others are asked as well', async () => {
    await node.policy(owner, 'acme/**', { onTimeout: 'escalate', escalateTo: ['user:root'] })
    const { id } = await node.ask(guest)
    expect(await codeOf(node.decide(admin, id, { decision: 'approve', role: 'viewer' }))).toBe(
      'taken',
    )
    const second = await node.ask(someone('gus'))
    const boss = someone('boss', [{ resource: 'acme/plan', role: 'owner' }])
    await node.policy(owner, 'acme/**', { onTimeout: 'escalate', escalateTo: ['user:boss'] })
    const third = await node.ask(someone('gil'), { resource: 'acme/plan' })
    expect(second.status).toBe('pending')
    clock.advance(60_000)
    await node.timer.look()
    const escalated = await node.see(owner, third.id)
    expect(escalated).toMatchObject({ status: 'pending', awaiting: ['owners', 'user:boss'] })
    expect(await node.decide(boss, third.id, { decision: 'approve' })).toMatchObject({
      status: 'granted',
    })
    clock.advance(60_000)
    await node.timer.look()
    expect(await node.see(owner, second.id)).toMatchObject({ status: 'expired' })
    expect(node.events.filter(({ name }) => name === 'access.escalated')).toHaveLength(2)
  })

  test.skipIf(isAbsent)('[Q6] an emergency is access now and a review afterwards', async () => {
    const emergency = { who: ['group:oncall'], durationMs: HOUR_MS, reviewBy: ['user:rita'] }
    await node.policy(owner, 'acme/**', { emergency, sponsor: 'team lead' })
    const medic = someone('medic', [], { groups: ['oncall'] })
    const rita = someone('rita')
    const order = { resource: 'acme/plan', role: 'editor', reason: 'pager' } as const
    expect(await codeOf(node.requests.emergency(guest, order))).toBe('FORBIDDEN')
    const { request } = await node.requests.emergency(medic, { ...order, durationMs: HOUR_MS * 9 })
    expect(request.progress).toEqual({ status: 'review' })
    const [grant] = await grantsOf('medic')
    expect(grant).toMatchObject({
      status: 'active',
      grantedBy: 'owner',
      sponsor: 'team lead',
      expiresAt: START_MS + HOUR_MS,
    })
    // The next one has to wait for the review, and who had it does not review.
    expect(await codeOf(node.requests.emergency(medic, order))).toBe('ACCESS_REQUEST_OPEN')
    for (const decision of ['confirm', 'revoke'] as const) {
      expect(await codeOf(node.decide(medic, request.id, { decision }))).toBe('FORBIDDEN')
    }
    expect(await node.see(rita, request.id)).toMatchObject({ mayDecide: true, emergency: true })
    const revoked = await node.decide(rita, request.id, { decision: 'revoke', reason: 'no' })
    expect(revoked.status).toBe('revoked')
    expect(await grantsOf('medic')).toMatchObject([{ status: 'revoked' }])

    const again = await node.requests.emergency(medic, order)
    clock.advance(2 * HOUR_MS)
    await node.timer.look()
    // Over, and still to be looked at.
    expect(await node.see(rita, again.request.id)).toMatchObject({ status: 'review' })
    await node.decide(rita, again.request.id, { decision: 'confirm' })
    await node.timer.look()
    expect(await node.see(rita, again.request.id)).toMatchObject({ status: 'ended' })
    expect(node.events.map(({ name }) => name)).toEqual([
      'access.granted',
      'access.review',
      'access.revoked',
      'access.granted',
      'access.review',
      'access.confirmed',
      'access.ended',
    ])
    expect(await node.actions()).toContain('request.emergency')
    expect(await node.actions()).toContain('request.review')
  })

  test.skipIf(isAbsent)(
    '[Q10] an emergency is no way to more, nor back in, for who sets the policy',
    async () => {
      const leaving = someone('leaving')
      await node.grants.add(
        {
          id: 'g-leaving',
          subject: 'user:leaving',
          resource: 'acme/**',
          effect: 'allow',
          role: 'owner',
          capabilities: null,
          paths: null,
          condition: null,
          expiresAt: clock.now() + 2 * HOUR_MS,
          grantedBy: 'root',
          createdAt: clock.now(),
          status: 'active',
        },
        async () => {},
      )
      const who = ['user:leaving', 'group:oncall']
      const emergency = { who, durationMs: HOUR_MS, reviewBy: ['user:rita'] }
      const long = { ...emergency, durationMs: 366 * 24 * HOUR_MS }
      expect(await codeOf(node.policy(leaving, 'acme/**', { emergency: long }))).toBe('FORBIDDEN')
      expect(await codeOf(node.policy(leaving, 'acme/**', { emergency }))).toBe('taken')
      clock.advance(2 * HOUR_MS)
      const order = { resource: 'acme/plan', role: 'editor', reason: 'pager' } as const
      expect(await codeOf(node.requests.emergency(leaving, order))).toBe('FORBIDDEN')
      const inGroup = someone('leaving', [], { groups: ['oncall'] })
      expect(await codeOf(node.requests.emergency(inGroup, order))).toBe('FORBIDDEN')
      const medic = someone('medic', [], { groups: ['oncall'] })
      expect(await codeOf(node.requests.emergency(medic, order))).toBe('taken')
    },
  )

  test.skipIf(isAbsent)(
    '[Q7] an admin decides past all steps, with a reason; nobody else does',
    async () => {
      const steps = [{ mode: 'any', approvers: ['user:nobody'], timeoutMs: 60_000 }]
      await node.policy(owner, 'acme/**', { steps })
      const { id } = await node.ask(guest)
      const past = { decision: 'approve', override: true } as const
      expect(() => node.decide(admin, id, past)).toThrow(/says why/)
      const why = { ...past, reason: 'the owner is ill' }
      expect(await codeOf(node.decide(owner, id, why))).toBe('FORBIDDEN')
      expect(await codeOf(node.decide(admin, id, { decision: 'approve' }))).toBe('FORBIDDEN')
      node.revoked.add('stolen')
      const stolen = someone('root', admin.principal.grants, { tokenId: 'stolen' })
      expect(await codeOf(node.decide(stolen, id, why))).toBe('TOKEN_REVOKED')
      expect(await node.decide(admin, id, why)).toMatchObject({
        status: 'granted',
        decisions: [{ by: 'root', override: true, reason: 'the owner is ill' }],
      })
      expect(await node.actions()).toContain('request.override')
    },
  )

  test.skipIf(isAbsent)('[Q8] request and grant are taken back together', async () => {
    const first = await node.ask(guest)
    await node.decide(owner, first.id, { decision: 'approve' })
    expect(await node.decide(owner, first.id, { decision: 'revoke' })).toMatchObject({
      status: 'revoked',
    })
    expect(await grantsOf('guest')).toMatchObject([{ status: 'revoked' }])

    const given = await node.ask(guest)
    await node.decide(owner, given.id, { decision: 'approve' })
    expect(await codeOf(node.decide(guest, given.id, { decision: 'revoke' }))).toBe('taken')

    const third = await node.ask(guest)
    const { grantId } = await node.decide(owner, third.id, { decision: 'approve' })
    const grant = await node.grants.get(grantId ?? '')
    if (grant === undefined) throw new Error('there is no grant')
    await node.grants.close(grant, 'revoked', () => Promise.resolve())
    await node.timer.look()
    expect(await node.see(guest, third.id)).toMatchObject({ status: 'revoked' })
  })

  test.skipIf(isAbsent)(
    '[Q9] who is not on the list is refused at once, and that is written down',
    async () => {
      const allow = [{ issuer: 'https://idp.partner.example', subjects: ['*@partner.example'] }]
      await node.policy(owner, 'acme/**', { allow })
      const issuer = 'https://idp.partner.example'
      const ada = someone('ada@partner.example', [], { issuer })
      for (const wrong of [
        someone('ada@partner.example'),
        someone('ada@partner.example', [], { issuer: 'https://elsewhere.example' }),
        someone('ada@partner.example.evil', [], { issuer }),
      ]) {
        expect(await codeOf(node.ask(wrong))).toBe('FORBIDDEN')
      }
      const { id } = await node.ask(ada)
      await node.decide(owner, id, { decision: 'approve' })
      // The same name at another issuer is somebody else.
      expect(await grantsOf('ada@partner.example')).toMatchObject([
        { condition: `claims.iss == "${issuer}"` },
      ])
      // A nearer policy replaces the list.
      await node.policy(owner, 'acme/open/**', {})
      expect(await codeOf(node.ask(guest, { resource: 'acme/open/a' }))).toBe('taken')
      await node.audit.close(AbortSignal.timeout(5_000))
      const denials = await node.audit.query({ decision: 'deny', limit: 100 })
      expect(denials.map(({ action, actor }) => `${action} ${actor}`)).toContain(
        'request.create ada@partner.example.evil',
      )
    },
  )

  test.skipIf(isAbsent)(
    '[Q10] nothing above the ceiling, and no policy above its author',
    async () => {
      expect(await codeOf(node.ask(guest, { role: 'owner' }))).toBe('FORBIDDEN')
      expect(await codeOf(node.ask(guest, { durationMs: 31 * 24 * HOUR_MS }))).toBe('FORBIDDEN')
      expect(await codeOf(node.ask(guest, { role: 'commenter' }))).toBe('taken')
      const supervisor = someone('sue', [{ resource: 'acme/**', role: 'supervisor' }])
      const ceiling = { roles: ['owner'], maxDurationMs: HOUR_MS }
      expect(await codeOf(node.policy(supervisor, 'acme/**', { ceiling }))).toBe('FORBIDDEN')
      expect(await codeOf(node.policy(supervisor, 'acme/**', {}))).toBe('taken')
      expect(await codeOf(node.policy(guest, 'acme/**', {}))).toBe('FORBIDDEN')
      const everywhere = someone('all', [{ resource: '**', role: 'owner' }])
      expect(await codeOf(node.policy(everywhere, '**', {}))).toBe('FORBIDDEN')
      expect(await codeOf(node.policy(admin, '**', {}))).toBe('taken')
      expect(await codeOf(node.policies.get(owner, 'acme/plan'))).toBe('ACCESS_POLICY_NOT_FOUND')
      await node.policies.remove(owner, 'acme/**')
      expect(await codeOf(node.policies.remove(owner, 'acme/**'))).toBe('ACCESS_POLICY_NOT_FOUND')
    },
  )

  test.skipIf(isAbsent)(
    '[Q11] a flood ends at the pace, at one request for a resource, and at twenty that wait',
    async () => {
      const outcomes: string[] = []
      for (let i = 0; i < 12; i++)
        outcomes.push(await codeOf(node.ask(guest, { resource: `a/${i}` })))
      expect(outcomes).toEqual([...Array<string>(10).fill('taken'), 'SLOW_DOWN', 'SLOW_DOWN'])
      clock.advance(6_000)
      expect(await codeOf(node.ask(guest, { resource: 'a/0' }))).toBe('ACCESS_REQUEST_OPEN')
      for (let i = 10; i < 20; i++) {
        clock.advance(6_000)
        await node.ask(guest, { resource: `a/${i}` })
      }
      clock.advance(6_000)
      expect(await codeOf(node.ask(guest, { resource: 'a/20' }))).toBe('SLOW_DOWN')
      const page = await node.requests.list(guest, { mine: true, limit: 7 })
      expect(page.seen).toHaveLength(7)
      const rest = await node.requests.list(guest, {
        mine: true,
        limit: 50,
        after: page.next ?? undefined,
      })
      expect([rest.seen.length, rest.next]).toEqual([13, null])
    },
  )

  test.skipIf(isAbsent)('[Q12] whoever has nothing to do with it does not see it', async () => {
    const { id } = await node.ask(guest)
    const stranger = someone('eve', [{ resource: 'acme/**', role: 'editor' }])
    expect(await codeOf(node.see(stranger, id))).toBe('ACCESS_REQUEST_NOT_FOUND')
    const seenBy = async (by: typeof guest) =>
      (await node.requests.list(by, { mine: false, limit: 10 })).seen.length
    expect(await Promise.all([guest, stranger, owner, admin].map(seenBy))).toEqual([1, 0, 1, 1])
  })

  test.skipIf(isAbsent)('[Q13] a step that fails leaves nothing of it', async () => {
    const { id } = await node.ask(guest)
    failure = new Error('the disk is full')
    expect(await codeOf(node.decide(owner, id, { decision: 'approve' }))).toContain('disk is full')
    expect(await codeOf(node.ask(someone('gus')))).toContain('disk is full')
    failure = undefined
    expect(await node.see(owner, id)).toMatchObject({ status: 'pending', decisions: [] })
    expect(await grantsOf('guest')).toEqual([])
    expect(node.events.map(({ name }) => name)).toEqual(['access.requested'])
    expect(await codeOf(node.decide(owner, id, { decision: 'approve' }))).toBe('taken')
  })

  test.skipIf(isAbsent)(
    '[Q14] what is long over is forgotten; what waits and what is in force is not',
    async () => {
      const denied = await node.ask(guest)
      await node.decide(owner, denied.id, { decision: 'deny' })
      // Nobody is there meanwhile, so that no timer has to fire for all of it.
      await opened[0]?.node.close()
      clock.advance(89 * 24 * HOUR_MS)
      node = another()
      await node.timer.look()
      expect(await node.see(guest, denied.id)).toMatchObject({ status: 'denied' })
      const waiting = await node.ask(someone('gus'))
      clock.advance(2 * 24 * HOUR_MS)
      await node.timer.look()
      expect(await codeOf(node.see(guest, denied.id))).toBe('ACCESS_REQUEST_NOT_FOUND')
      expect(await node.see(owner, waiting.id)).toMatchObject({ status: 'pending' })
    },
  )
})
