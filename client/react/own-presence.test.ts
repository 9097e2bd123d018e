/** What a window tells is told through whatever awareness the document has. */
import { expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { DocumentState } from '../sdk/index.ts'
import { Observable } from '../sdk/observable.ts'
import { OwnPresence } from './own-presence.ts'

const stateWith = (awareness: Awareness) => ({ awareness, closed: false }) as DocumentState

test('before there is a document, and through the next one too', () => {
  const [first, second] = [new Awareness(new Y.Doc()), new Awareness(new Y.Doc())]
  const state = new Observable(stateWith(first))
  const presence = new OwnPresence()
  presence.set({ tool: 'pen' })
  presence.follow(state)
  expect(first.getLocalState()).toEqual({ tool: 'pen' })
  presence.setInitial({ tool: 'brush', status: 'busy' })
  expect(first.getLocalState()).toEqual({ tool: 'pen', status: 'busy' })
  state.set(stateWith(second))
  expect(second.getLocalState()).toEqual({ tool: 'pen', status: 'busy' })
  presence.unfollow()
  presence.set({ tool: 'late' })
  expect(second.getLocalState()).toEqual({ tool: 'pen', status: 'busy' })
  first.destroy()
  second.destroy()
})

test('what others would not see changed is not sent', () => {
  const awareness = new Awareness(new Y.Doc())
  let sent = 0
  awareness.on('update', () => void (sent += 1))
  const presence = new OwnPresence()
  presence.follow(new Observable(stateWith(awareness)))
  presence.set({ typing: true })
  presence.set({ typing: true })
  expect(sent).toBe(1)
  presence.set({ typing: undefined })
  expect(sent).toBe(2)
  awareness.destroy()
})
