/** When there is something to show. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { ConnectionState, DocumentStatus, WireError } from '../sdk/index.ts'
import type { DocumentView } from './document-store.ts'
import { loadStateOf } from './load-state.ts'

const view = (doc: Y.Doc, kind: DocumentStatus['kind'], more: Partial<DocumentView> = {}) =>
  ({ doc, loaded: true, status: { kind, access: 'write' }, ...more }) as DocumentView
const open: ConnectionState = { kind: 'open' }
const waiting: ConnectionState = { kind: 'waiting', attempt: 1, retryAt: 0 }

test('until both sides agree, or the server cannot be asked', () => {
  const doc = new Y.Doc()
  expect(loadStateOf(null, open).isLoading).toBe(true)
  for (const kind of ['offline', 'connecting', 'authenticating', 'loading', 'syncing'] as const) {
    expect(loadStateOf(view(doc, kind), open).isLoading).toBe(true)
  }
  expect(loadStateOf(view(doc, 'offline', { loaded: false }), waiting).isLoading).toBe(true)
  expect(loadStateOf(view(doc, 'live'), open)).toEqual({ isLoading: false, error: null })
  expect(loadStateOf(view(new Y.Doc(), 'offline'), waiting).isLoading).toBe(false)
  expect(loadStateOf(view(new Y.Doc(), 'offline'), { kind: 'paused' }).isLoading).toBe(false)
})

test('once there was something to show it stays, and a refusal is the same object', () => {
  const doc = new Y.Doc()
  const before = loadStateOf(view(doc, 'live'), open)
  expect(loadStateOf(view(doc, 'connecting'), open)).toBe(before)
  const error: WireError = { code: 'FORBIDDEN', message: 'no', hint: '', retryable: false }
  const refused = { ...view(doc, 'live'), status: { kind: 'refused', error } } as DocumentView
  expect(loadStateOf(refused, open)).toEqual({ isLoading: false, error })
  expect(loadStateOf(refused, open)).toBe(loadStateOf(refused, open))
  // Another document under the same name is another one to wait for.
  expect(loadStateOf(view(new Y.Doc(), 'connecting'), open).isLoading).toBe(true)
})
