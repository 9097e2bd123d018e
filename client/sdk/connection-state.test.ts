import { describe, expect, test } from 'vitest'
import { nextConnection, type ConnectionEvent, type ConnectionState } from './connection-state.ts'

const states: Record<string, ConnectionState> = {
  idle: { kind: 'idle' },
  paused: { kind: 'paused' },
  waiting: { kind: 'waiting', attempt: 3, retryAt: 5 },
  connecting: { kind: 'connecting', attempt: 3 },
  open: { kind: 'open' },
}
const events: Record<string, ConnectionEvent> = {
  wanted: { type: 'wanted' },
  unwanted: { type: 'unwanted' },
  paused: { type: 'paused' },
  resumed: { type: 'resumed', wanted: true },
  'resumed, not needed': { type: 'resumed', wanted: false },
  opened: { type: 'opened' },
  lost: { type: 'lost', retryAt: 9 },
  due: { type: 'due' },
}
const table = `
  idle        connecting  idle    paused  idle        idle        idle        idle     idle
  paused      paused      paused  paused  connecting  idle        paused      paused   paused
  waiting     waiting     idle    paused  waiting     waiting     waiting     waiting  connecting
  connecting  connecting  idle    paused  connecting  connecting  open        waiting  connecting
  open        open        idle    paused  open        open        open        waiting  open
`
const cells = table
  .trim()
  .split('\n')
  .map(line => line.trim().split(/\s+/))
  .flatMap(([state = '', ...row]) =>
    Object.keys(events).map((event, column) => ({ state, event, expected: row[column] })),
  )

describe('the states of a connection', () => {
  test.each(cells)('$state, $event: $expected', ({ state, event, expected }) => {
    expect(nextConnection(states[state]!, events[event]!).kind).toBe(expected)
  })

  test('attempts count on until a socket opens', () => {
    let state: ConnectionState = { kind: 'idle' }
    const step = (event: ConnectionEvent) => (state = nextConnection(state, event))
    step({ type: 'wanted' })
    step({ type: 'lost', retryAt: 1 })
    step({ type: 'due' })
    step({ type: 'lost', retryAt: 2 })
    expect(state).toEqual({ kind: 'waiting', attempt: 2, retryAt: 2 })
    step({ type: 'due' })
    step({ type: 'opened' })
    step({ type: 'lost', retryAt: 3 })
    expect(state).toEqual({ kind: 'waiting', attempt: 1, retryAt: 3 })
  })
})
