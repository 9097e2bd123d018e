import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requestStatuses, type RequestStatus } from '../../../shared/access-views.ts'
import { areAllAnswered, type Approval } from './approvals.ts'
import { matchesGlob } from './globs.ts'
import {
  askedNow,
  begin,
  nextProgress,
  type Pending,
  type Plan,
  type Progress,
  type RequestEvent,
} from './request-state.ts'

const owners: Plan = {
  steps: [{ mode: 'any', approvers: ['owners'], timeoutMs: 1_000 }],
  onTimeout: 'deny',
  escalateTo: [],
  reviewBy: ['group:security'],
  sponsor: null,
}
const twoSteps: Plan = {
  ...owners,
  steps: [
    { mode: 'any', approvers: ['user:a', 'user:b'], timeoutMs: 1_000 },
    { mode: 'all', approvers: ['group:legal', 'owners'], timeoutMs: 2_000 },
  ],
  onTimeout: 'escalate',
  escalateTo: ['user:boss'],
}
const approval = (step: number, by: string, as: string[]): Approval => ({ step, by, as })
const approved = (...approvals: Approval[]): RequestEvent => ({
  type: 'approved',
  approvals,
  at: 500,
})
const pending = (change: Partial<Pending> = {}): Pending => ({ ...begin(owners, 0), ...change })

describe('the table of a request', () => {
  const events = {
    approved: approved(approval(0, 'o', ['owners'])),
    denied: { type: 'denied' },
    overruled: { type: 'overruled' },
    time: { type: 'time', at: 1_000 },
    cancelled: { type: 'cancelled' },
    confirmed: { type: 'confirmed' },
    revoked: { type: 'revoked' },
    ended: { type: 'ended' },
  } satisfies Record<string, RequestEvent>
  type Row = Partial<Record<keyof typeof events, RequestStatus>>
  const table: Readonly<Record<RequestStatus, Row>> = {
    pending: {
      approved: 'granted',
      denied: 'denied',
      overruled: 'granted',
      time: 'expired',
      cancelled: 'cancelled',
    },
    review: { confirmed: 'granted', revoked: 'revoked' },
    granted: { revoked: 'revoked', ended: 'ended' },
    denied: {},
    expired: {},
    cancelled: {},
    revoked: {},
    ended: {},
  }
  const cells = requestStatuses.flatMap(status =>
    (Object.keys(events) as (keyof typeof events)[]).map(
      event => [status, event, table[status][event]] as const,
    ),
  )

  test.each(cells)('%s, %s: %s', (status, event, wanted) => {
    const progress: Progress = status === 'pending' ? pending() : { status }
    expect(nextProgress(owners, progress, events[event])?.status).toBe(wanted)
  })

  test('all steps are gone through, each with its own time', () => {
    const first = begin(twoSteps, 0)
    expect(first).toEqual({ status: 'pending', step: 0, isEscalated: false, decideBy: 1_000 })
    const a = approval(0, 'a', ['user:a'])
    const second = nextProgress(twoSteps, first, approved(a))
    expect(second).toEqual({ status: 'pending', step: 1, isEscalated: false, decideBy: 2_500 })
    if (second === undefined) return
    const lawyer = approval(1, 'l', ['group:legal'])
    expect(nextProgress(twoSteps, second, approved(a, lawyer))).toEqual(second)
    const owner = approval(1, 'o', ['owners'])
    const last = nextProgress(twoSteps, second, approved(a, lawyer, owner))
    expect(last).toEqual({ status: 'granted' })
  })

  test('approvals of an earlier step count for nothing in a later one', () => {
    const second = pending({ step: 1 })
    const both = approval(0, 'x', ['group:legal', 'owners'])
    expect(nextProgress(twoSteps, second, approved(both))).toEqual(second)
    const alone = approval(1, 'x', ['group:legal', 'owners'])
    expect(nextProgress(twoSteps, second, approved(both, alone))).toEqual(second)
  })

  test('a step that is over asks others as well, once; any one of them settles it', () => {
    const second = pending({ step: 1, decideBy: 2_500 })
    expect(nextProgress(twoSteps, second, { type: 'time', at: 2_499 })).toBeUndefined()
    const escalated = nextProgress(twoSteps, second, { type: 'time', at: 2_600 })
    expect(escalated).toEqual({ ...second, isEscalated: true, decideBy: 4_600 })
    if (escalated === undefined) return
    expect(askedNow(twoSteps, second)).toEqual(['group:legal', 'owners'])
    expect(askedNow(twoSteps, escalated)).toEqual(['group:legal', 'owners', 'user:boss'])
    const boss = approval(1, 'boss', ['user:boss'])
    expect(nextProgress(twoSteps, escalated, approved(boss))).toEqual({ status: 'granted' })
    expect(nextProgress(twoSteps, second, approved(boss))).toEqual(second)
    expect(nextProgress(twoSteps, escalated, { type: 'time', at: 4_600 })).toEqual({
      status: 'expired',
    })
  })

  test('the review of an emergency asks its own', () => {
    expect(askedNow(owners, { status: 'review' })).toEqual(['group:security'])
    expect(askedNow(owners, { status: 'granted' })).toEqual([])
  })
})

describe('all of them', () => {
  /** Every order of giving approvals to approvers; slow, and plainly right. */
  function naive(approvers: readonly string[], approvals: readonly Approval[]): boolean {
    const [first, ...rest] = approvers
    if (first === undefined) return true
    return approvals.some(
      (one, index) => one.as.includes(first) && naive(rest, approvals.toSpliced(index, 1)),
    )
  }

  test('each approver is answered for by somebody of its own, as a naive search finds', () => {
    const seed = Date.now()
    const letter = fc.constantFrom('a', 'b', 'c', 'd')
    const approvals = fc
      .array(fc.uniqueArray(letter), { maxLength: 5 })
      .map(all => all.map((as, index) => approval(0, `p${index}`, as)))
    const answered = { yes: 0, no: 0 }
    fc.assert(
      fc.property(fc.uniqueArray(letter), approvals, (approvers, given) => {
        const wanted = naive(approvers, given)
        answered[wanted ? 'yes' : 'no'] += 1
        expect(areAllAnswered(approvers, given)).toBe(wanted)
      }),
      { seed, numRuns: 500 },
    )
    expect(Math.min(answered.yes, answered.no)).toBeGreaterThan(50)
  })
})

describe('subjects by pattern', () => {
  test.each([
    ['ada', 'ada', true],
    ['ada', 'adam', false],
    ['*', '', true],
    ['*@partner.example', 'ada@partner.example', true],
    ['*@partner.example', 'ada@partner.example.evil', false],
    ['*@partner.example', 'ada@partnerXexample', false],
    ['a*a', 'a', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['*a*', 'bab', true],
    ['**', 'anything', true],
    ['[a-z]+', 'ada', false],
  ])('%s, %s: %s', (glob, text, wanted) => {
    expect(matchesGlob(glob, text)).toBe(wanted)
  })

  test('many stars take no time', () => {
    const started = performance.now()
    expect(matchesGlob(`${'a*'.repeat(100)}b`, 'a'.repeat(200))).toBe(false)
    expect(performance.now() - started).toBeLessThan(50)
  })
})
