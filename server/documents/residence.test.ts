import { describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { nextResidence, type Residence, type ResidenceEvent } from './residence.ts'

const error = new WeftError('DOCUMENT_UNAVAILABLE', 'no')
const states: Record<string, Residence> = {
  loading: { kind: 'loading' },
  live: { kind: 'live' },
  idling: { kind: 'draining', reason: 'idle' },
  stopping: { kind: 'draining', reason: 'shutdown' },
  failed: { kind: 'failed', error, retryAt: 5 },
  gone: { kind: 'gone', reason: 'evicted' },
}
const events: Record<string, ResidenceEvent> = {
  loaded: { type: 'loaded' },
  'load failed': { type: 'load failed', error, retryAt: 9 },
  opened: { type: 'opened' },
  idle: { type: 'idle' },
  clean: { type: 'clean' },
  deleted: { type: 'deleted' },
  shutdown: { type: 'shutdown' },
  'time over': { type: 'time over' },
}

/** Rows: states; columns: the events in the order above; `-` must throw. */
const table = `
  loading   live  failed  loading   -         -        gone  loading   gone
  live      -     -       live      draining  live     gone  draining  gone
  idling    -     -       live      draining  gone     gone  draining  gone
  stopping  -     -       draining  draining  gone     gone  draining  gone
  failed    -     -       loading   gone      -        gone  gone      gone
  gone      gone  gone    -         gone      gone     gone  gone      gone
`

const cells = table
  .trim()
  .split('\n')
  .map(line => line.trim().split(/\s+/))
  .flatMap(([state = '', ...row]) =>
    Object.keys(events).map((event, column) => ({ state, event, expected: row[column] ?? '?' })),
  )

function outcome(state: Residence, event: ResidenceEvent): string {
  try {
    return nextResidence(state, event).kind
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringContaining('cannot be told') as string })
    return '-'
  }
}

describe('[D1] the residence of a document', () => {
  test.each(cells)('$state, $event: $expected', ({ state, event, expected }) => {
    expect(outcome(states[state]!, events[event]!)).toBe(expected)
  })

  test('a failure keeps its error and the time of the next try', () => {
    const failed = nextResidence({ kind: 'loading' }, { type: 'load failed', error, retryAt: 9 })
    expect(failed).toEqual({ kind: 'failed', error, retryAt: 9 })
  })
})
