import { describe, expect, test } from 'vitest'
import { WeftError } from '../../shared/errors.ts'
import { nextStatus, type DocumentEvent, type DocumentStatus } from './document-status.ts'
import { saveStateOf } from './save-state.ts'

const error = new WeftError('FORBIDDEN', 'no').toWire()
const states: Record<string, DocumentStatus> = {
  offline: { kind: 'offline' },
  connecting: { kind: 'connecting' },
  authenticating: { kind: 'authenticating' },
  loading: { kind: 'loading' },
  syncing: { kind: 'syncing', access: 'write' },
  live: { kind: 'live', access: 'write' },
  blocked: { kind: 'blocked', error },
  refused: { kind: 'refused', error },
}
const events: DocumentEvent[] = [
  { type: 'disconnected' },
  { type: 'connecting' },
  { type: 'asked' },
  { type: 'admitted' },
  { type: 'opened', access: 'read' },
  { type: 'synced' },
  { type: 'blocked', error },
  { type: 'refused', error },
  { type: 'retried', connected: true },
]
// Columns in the order of the events above; `=` is the same state.
const table = `
  offline         =        connecting  =               =        =        =     =        refused  =
  connecting      offline  =           authenticating  =        =        =     blocked  refused  =
  authenticating  offline  =           =               loading  syncing  =     blocked  refused  =
  loading         offline  =           authenticating  =        syncing  =     blocked  refused  =
  syncing         offline  =           =               =        =        live  blocked  refused  =
  live            offline  =           =               =        =        =     blocked  refused  =
  blocked         offline  =           authenticating  =        syncing  =     blocked  refused  =
  refused         =        =           =               =        =        =     =        =        connecting
`
const cells = table
  .trim()
  .split('\n')
  .map(line => line.trim().split(/\s+/))
  .flatMap(([state = '', ...row]) =>
    events.map((event, i) => ({ state, event, type: event.type, expected: row[i] ?? '?' })),
  )

describe('the status of a document', () => {
  test.each(cells)('$state, $type: $expected', ({ state, event, expected }) => {
    const next = nextStatus(states[state]!, event)
    expect(next.kind).toBe(expected === '=' ? state : expected)
  })

  test('what the server allows is kept', () => {
    const syncing = nextStatus({ kind: 'loading' }, { type: 'opened', access: 'read' })
    expect(nextStatus(syncing, { type: 'synced' })).toEqual({ kind: 'live', access: 'read' })
  })
})

describe('are my changes safe?', () => {
  const live: DocumentStatus = { kind: 'live', access: 'write' }
  const facts = { status: live, unsaved: 0, kept: 0, store: 'ok', rejection: null } as const
  test.each([
    [facts, { kind: 'saved' }],
    [
      { ...facts, unsaved: 2 },
      { kind: 'saving', changes: 2 },
    ],
    [
      { ...facts, unsaved: 2, store: 'failing' },
      { kind: 'not saving', changes: 2, error: null },
    ],
    [
      { ...facts, status: { kind: 'offline' }, unsaved: 3, kept: 2 },
      { kind: 'offline', changes: 3, kept: 2 },
    ],
    [
      { ...facts, status: { kind: 'offline' } },
      { kind: 'offline', changes: 0, kept: 0 },
    ],
    [
      { ...facts, status: { kind: 'refused', error } },
      { kind: 'not saving', changes: 0, error },
    ],
    [
      { ...facts, status: { kind: 'blocked', error } },
      { kind: 'not saving', changes: 0, error },
    ],
    [
      { ...facts, unsaved: 1, rejection: error },
      { kind: 'not saving', changes: 1, error },
    ],
    [{ ...facts, rejection: error }, { kind: 'saved' }],
    [
      { ...facts, status: { kind: 'syncing', access: 'write' }, unsaved: 1 },
      { kind: 'saving', changes: 1 },
    ],
  ] as const)('%j', (given, expected) => {
    expect(saveStateOf(given)).toEqual(expected)
  })
})
