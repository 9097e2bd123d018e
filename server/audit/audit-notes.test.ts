/** Events that are queued: batches, what happens when there is no room or no database, and the end. */
import { describe, expect, test, vi } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { AuditNotes } from './audit-notes.ts'
import type { AuditEvent, TimedEvent } from './audit-row.ts'
import { WINDOW_MS } from './denial-fold.ts'

const open: AuditEvent = {
  actor: 'alice',
  actorKind: 'user',
  action: 'document.open',
  document: 'a',
  capability: 'read',
  decision: 'allow',
}
const denial: AuditEvent = { ...open, decision: 'deny', because: 'no grant' }

/** All that is due without time passing. */
const settle = () => new Promise(resolve => setImmediate(resolve))

function setup(queueMax = 1_000) {
  const clock = new ManualClock()
  const stored: TimedEvent[][] = []
  let failure: unknown
  const onDropped = vi.fn<(count: number) => void>()
  const onFailure = vi.fn<(error: unknown) => void>()
  const notes = new AuditNotes({
    clock,
    queueMax,
    onDropped,
    onFailure,
    store(events) {
      if (failure !== undefined) return Promise.reject(failure)
      stored.push([...events])
      return Promise.resolve()
    },
  })
  const pass = async (ms: number) => {
    await settle()
    clock.advance(ms)
    await settle()
  }
  return {
    clock,
    notes,
    stored,
    onDropped,
    onFailure,
    pass,
    rows: () => stored.flat(),
    fail: (error: unknown) => (failure = error),
  }
}

const away = new WeftError('DEPENDENCY_UNAVAILABLE', 'away')

describe('audit notes', () => {
  test('[AU4] are stored at once, and those that come meanwhile together', async () => {
    const { notes, stored, pass } = setup()
    for (let n = 0; n < 5; n++) notes.note(open)
    await pass(0)
    expect(stored.map(batch => batch.length)).toEqual([5])
    for (let n = 0; n < 7; n++) notes.note(open)
    await pass(100)
    expect(stored.map(batch => batch.length)).toEqual([5, 7])
    expect(notes.waiting).toBe(0)
  })

  test('[AU4] a database that is away is asked again, and nothing is lost', async () => {
    const { notes, rows, fail, pass, onFailure } = setup()
    fail(away)
    notes.note(open)
    await pass(1_000)
    notes.note(open)
    await pass(1_000)
    expect(onFailure.mock.calls.length).toBeGreaterThan(1)
    expect([rows(), notes.waiting]).toEqual([[], 2])
    fail(undefined)
    await pass(1_000)
    expect([rows().length, notes.waiting]).toEqual([2, 0])
  })

  test('[AU5] more than may wait are counted, and a row says how many', async () => {
    const { notes, rows, fail, pass, onDropped } = setup(3)
    fail(away)
    for (let n = 0; n < 8; n++) notes.note(open)
    await pass(0)
    expect(onDropped).toHaveBeenCalledTimes(5)
    fail(undefined)
    await pass(1_000)
    expect(rows().map(({ action, details }) => [action, details])).toEqual([
      ...Array.from({ length: 3 }, () => ['document.open', undefined]),
      ['audit.drop', { dropped: 5 }],
    ])
    notes.note(open)
    await pass(200)
    expect(rows().length).toBe(5)
  })

  test('[AU5] what cannot be stored keeps nobody waiting, and leaves a row too', async () => {
    const { notes, rows, fail, pass } = setup()
    fail(new Error('no such thing'))
    notes.note(open)
    await pass(0)
    fail(undefined)
    notes.note({ ...open, actor: 'bob' })
    await pass(1_000)
    expect(rows().map(({ actor, details }) => [actor, details])).toEqual([
      ['bob', undefined],
      ['audit', { dropped: 1 }],
    ])
  })

  test('[AU6] equal denials in a loop are one row, then one with their number each minute', async () => {
    const { notes, rows, pass } = setup()
    for (let second = 0; second < 180; second++) {
      for (let n = 0; n < 10; n++) notes.note(denial)
      await pass(1_000)
    }
    await pass(WINDOW_MS)
    const counts = rows().map(({ details }) => details?.['repeats'] ?? 1)
    expect(counts.length).toBeLessThanOrEqual(5)
    expect(counts.reduce((sum: number, count) => sum + Number(count), 0)).toBe(1_800)
    // Who stops is forgotten: the next one is a row at once.
    await pass(WINDOW_MS)
    notes.note(denial)
    await pass(200)
    expect(rows().at(-1)).toMatchObject({ decision: 'deny', actor: 'alice' })
    expect(rows().at(-1)?.details).toBeUndefined()
  })

  test('[AU6] others, other documents and other reasons are rows of their own; what is allowed too', async () => {
    const { notes, rows, pass } = setup()
    for (const more of [{}, { actor: 'bob' }, { document: 'b' }, { because: 'expired' }]) {
      for (let n = 0; n < 3; n++) notes.note({ ...denial, ...more })
    }
    for (let n = 0; n < 3; n++) notes.note(open)
    await pass(0)
    expect(rows().length).toBe(4 + 3)
  })

  test('[AU6] a client that tries every name there is does not fill the disk either', async () => {
    const { notes, rows, pass, clock } = setup()
    for (let n = 0; n < 5_000; n++) notes.note({ ...denial, document: `d${n}` })
    notes.note({ ...denial, actor: 'bob' })
    await pass(200)
    await pass(200)
    expect(rows().length).toBe(100 + 1 + 1)
    await pass(WINDOW_MS)
    await pass(200)
    expect(rows().at(-1)).toMatchObject({ action: 'denials', actor: 'alice' })
    expect(rows().at(-1)?.details).toEqual({ repeats: 4_899 })
    await pass(WINDOW_MS)
    await pass(WINDOW_MS)
    expect(clock.pendingTimers).toBe(0)
  })

  test('[AU7] the end stores what waits and what was counted, and waits for no clock', async () => {
    const { notes, rows } = setup()
    for (let n = 0; n < 900; n++) notes.note({ ...open, document: `d${n % 3}` })
    for (let n = 0; n < 4; n++) notes.note(denial)
    expect(await notes.close(new AbortController().signal)).toBe(0)
    expect(rows().at(-1)?.details).toEqual({ repeats: 3 })
  })

  test('[AU7] the end says what could not be stored in time', async () => {
    const { notes, fail } = setup()
    fail(away)
    notes.note(open)
    notes.note(open)
    const controller = new AbortController()
    const closed = notes.close(controller.signal)
    await settle()
    controller.abort()
    expect(await closed).toBe(2)
  })
})
