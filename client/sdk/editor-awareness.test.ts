import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { editorAwareness } from './editor-awareness.ts'

describe('an awareness for editors', () => {
  let awareness: Awareness
  beforeEach(() => {
    awareness = new Awareness(new Y.Doc())
    awareness.doc.getText('body').insert(0, 'text')
  })
  afterEach(() => awareness.destroy())

  const seen = (state: Record<string, unknown>) => {
    awareness.states.set(1, state)
    return editorAwareness(awareness).getStates().get(1)
  }
  const position = (index: number): unknown =>
    JSON.parse(
      JSON.stringify(Y.createRelativePositionFromTypeIndex(awareness.doc.getText('body'), index)),
    )

  test('what bindings write passes as it is', () => {
    const user = { name: 'Ada', color: '#30bced', colorLight: '#30bced33', avatar: 'x' }
    const cursor = { anchor: position(1), head: position(4) }
    expect(seen({ user, cursor, more: 1 })).toEqual({ user, cursor, more: 1 })
    const [tname, type] = ['body', { client: 1, clock: 2 }]
    for (const anchor of [
      { tname, assoc: -1 },
      { type, item: null },
    ]) {
      const given = { anchor, head: anchor }
      expect(seen({ user, cursor: given })).toMatchObject({ cursor: given })
    }
  })

  test.each([
    0,
    'x',
    true,
    [],
    {},
    { anchor: null, head: null },
    { anchor: {}, head: {} },
    { anchor: { tname: 'nowhere' }, head: { tname: 'nowhere' } },
    { anchor: { item: { client: -1, clock: 0 } }, head: { item: { client: -1, clock: 0 } } },
    { anchor: { tname: 'body', type: 'x' }, head: { tname: 'body' } },
    { anchor: { tname: 'body' } },
    { anchor: { tname: 'body', assoc: {} }, head: { tname: 'body' } },
  ])('the caret %j is none', cursor => {
    expect(seen({ user: { name: 'Ada' }, cursor })?.['cursor']).toBeNull()
    expect([...awareness.doc.share.keys()]).toEqual(['body'])
  })

  test.each([0, 'x', true, [], {}, null, { name: 7, color: 'x;y' }])(
    'the user %j is somebody without a name',
    user => {
      expect(seen({ user })).toMatchObject({ user: { name: '', color: '#64748b' } })
    },
  )

  test('it writes to the one that it stands before, and hears what that one hears', () => {
    const shown = editorAwareness(awareness)
    let heard = 0
    shown.on('change', () => (heard += 1))
    shown.setLocalStateField('user', { name: 'Ada' })
    expect(awareness.getLocalState()).toEqual({ user: { name: 'Ada' } })
    expect(shown.getStates().get(awareness.clientID)).toEqual({ user: { name: 'Ada' } })
    expect(heard).toBe(1)
  })
})
