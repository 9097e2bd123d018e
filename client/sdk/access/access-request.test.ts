import { describe, expect, test } from 'vitest'
import type { AccessRequestView, RequestStatus } from '../../../shared/access-views.ts'
import { WeftError } from '../../../shared/errors.ts'
import { ManualClock } from '../../../shared/manual-clock.ts'
import { seededRandom } from '../../../shared/random.ts'
import { AccessRequest } from './access-request.ts'

const view = (status: RequestStatus): AccessRequestView => ({
  id: 'r1',
  resource: 'acme/plan',
  status,
  role: 'editor',
  durationMs: 1,
  reason: null,
  requestedBy: 'guest',
  requesterName: 'Guest',
  requesterKind: 'user',
  emergency: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  decideBy: null,
  decidedAt: null,
  grantId: null,
  expiresAt: null,
  awaiting: [],
  mayDecide: false,
  decisions: [],
})

function harness(status: RequestStatus = 'pending') {
  const clock = new ManualClock()
  const ending = new AbortController()
  const asked: number[] = []
  const decided: RequestStatus[] = []
  let answer = (): AccessRequestView => view('pending')
  const request = new AccessRequest(view(status), {
    clock,
    random: seededRandom(1),
    end: ending.signal,
    read: async () => {
      asked.push(clock.now())
      return answer()
    },
    onDecided: one => decided.push(one.status),
  })
  /** Goes on until nothing but time is missing, then lets it pass. */
  const pass = async (ms: number) => {
    for (const end = clock.now() + ms; clock.now() < end;) {
      clock.advance(500)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { request, clock, asked, decided, ending, pass, will: (a: typeof answer) => (answer = a) }
}

describe('a request that is watched', () => {
  test('is asked for less and less often, and by one for all who wait', async () => {
    const { request, asked, decided, pass, will } = harness()
    const both = Promise.all([request.whenDecided(), request.whenDecided()])
    await pass(600_000)
    expect(asked.length).toBeGreaterThan(15)
    expect(asked.length).toBeLessThan(80)
    const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_500)
    will(() => view('denied'))
    await pass(31_000)
    expect((await both).map(({ status }) => status)).toEqual(['denied', 'denied'])
    expect(request.status).toBe('denied')
    expect(decided).toEqual(['denied'])
    const before = asked.length
    await pass(120_000)
    expect(asked).toHaveLength(before)
  })

  test('goes on when the server cannot be reached, and waits as long as it is told to', async () => {
    const { request, asked, pass, will } = harness()
    const decided = request.whenDecided()
    will(() => {
      throw new WeftError('SLOW_DOWN', 'too much', { retryAfterMs: 100_000 })
    })
    await pass(5_000)
    expect(asked).toHaveLength(1)
    will(() => view('granted'))
    await pass(90_000)
    expect(asked).toHaveLength(1)
    await pass(10_000)
    expect((await decided).status).toBe('granted')
  })

  test('is given up when asking makes no sense, and may be begun anew', async () => {
    const { request, pass, will } = harness()
    will(() => {
      throw new WeftError('ACCESS_REQUEST_NOT_FOUND', 'gone')
    })
    const failed = expect(request.whenDecided()).rejects.toMatchObject({
      code: 'ACCESS_REQUEST_NOT_FOUND',
    })
    await pass(5_000)
    await failed
    will(() => view('granted'))
    const again = request.whenDecided()
    await pass(10_000)
    expect((await again).status).toBe('granted')
  })

  test('whoever stops waiting leaves the others waiting; the end of the client ends all', async () => {
    const { request, ending, pass, will } = harness()
    const stop = new AbortController()
    const one = expect(request.whenDecided(stop.signal)).rejects.toThrow('enough')
    const other = expect(request.whenDecided()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    stop.abort(new Error('enough'))
    await one
    await expect(request.whenDecided(stop.signal)).rejects.toThrow('enough')
    will(() => view('pending'))
    await pass(10_000)
    ending.abort()
    await other
  })

  test('one that is decided already is not asked for', async () => {
    const { request, asked, decided } = harness('review')
    expect((await request.whenDecided()).status).toBe('review')
    expect({ asked, decided }).toEqual({ asked: [], decided: ['review'] })
  })
})
