/** Members as people, whatever they send; and what the components say of them. */
import { expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { initials } from './components/avatar.tsx'
import { approach, readPlace } from './components/cursor-place.ts'
import { textOn } from './components/text-on.ts'
import { sayTyping } from './components/typing-indicator.tsx'
import { readMember } from './member.ts'
import { membersOf } from './members.ts'
import { peopleOf } from './people.ts'

const member = (clientId: number, id: string, more: object = {}) =>
  readMember(clientId, { user: { id, name: `${id}-name`, color: '#123456' }, ...more })

test('somebody with three windows is one person: busy in one is busy, oneself stays oneself', () => {
  const others = [
    member(2, 'ada', { status: 'away' }),
    member(3, 'ada', { status: 'busy', activity: { kind: 'in a call' } }),
    member(4, 'bob', { typing: true }),
    readMember(5, {}),
  ]
  const people = peopleOf(others, member(1, 'ada'))
  expect(people).toMatchObject([
    { id: 'ada', status: 'busy', activity: { kind: 'in a call' }, isSelf: true },
    { id: 'bob', status: 'online', isTyping: true, isSelf: false },
  ])
})

test('who is not to be shown does nothing, and an agent does what the server says of it', () => {
  const doing = { kind: 'writing', target: 'chapter-3' }
  const others = [
    member(1, 'ada', { status: 'offline', typing: true, activity: doing }),
    member(2, 'bot', { activity: doing }),
  ]
  expect(peopleOf(others, null)).toMatchObject([
    { id: 'ada', status: 'offline', isTyping: false, activity: null },
    { id: 'bot', activity: doing },
  ])
})

test('what is no user, status, picture or place is passed over', () => {
  const wrong = { status: { a: 1 }, activity: 7, typing: 'yes', user: { name: 'x', color: 'red;' } }
  const [person] = peopleOf([readMember(9, wrong)], null)
  expect(person).toMatchObject({
    id: 'client-9',
    status: 'online',
    activity: null,
    isTyping: false,
  })
  expect(person?.user.color).not.toContain(';')
  for (const user of [null, 'ada', 7, [], { name: 7 }]) {
    expect(readMember(1, { user }).user).toBeNull()
  }
  const avatarOf = (avatar: unknown) =>
    readMember(1, { user: { id: 'a', name: 'a', avatar } }).user?.avatar
  expect(avatarOf('javascript:alert(1)')).toBeUndefined()
  expect(avatarOf('//evil.example/a.png')).toBeUndefined()
  expect(avatarOf('/faces/a.png')).toBe('/faces/a.png')
  for (const place of [null, {}, { x: 1 }, { x: NaN, y: 0 }, { x: 2, y: 0 }, 'x', []]) {
    expect(readPlace(place)).toBeNull()
  }
})

test('members keep their identity until they change, and others do not change with oneself', () => {
  const awareness = new Awareness(new Y.Doc())
  const { others, self } = membersOf(awareness)
  const tell = (clientId: number, state: Record<string, unknown>) => {
    const isNew = !awareness.states.has(clientId)
    awareness.states.set(clientId, state)
    const ids = { added: isNew ? [clientId] : [], updated: isNew ? [] : [clientId], removed: [] }
    awareness.emit('change', [ids, 'test'])
  }
  tell(1, { tool: 'pen' })
  tell(2, { tool: 'pen' })
  const before = others.get()
  awareness.setLocalStateField('tool', 'pen')
  expect(others.get()).toBe(before)
  expect(self.get()?.presence).toEqual({ tool: 'pen' })
  tell(2, { tool: 'eraser' })
  expect(others.get()).not.toBe(before)
  expect(others.get()[0]).toBe(before[0])
  expect(others.get()[1]?.presence).toEqual({ tool: 'eraser' })
  awareness.destroy()
})

test('words and colours', () => {
  const typists = (...ids: string[]) =>
    sayTyping(
      peopleOf(
        ids.map((id, index) => member(index, id)),
        null,
      ),
    )
  expect(typists()).toBe('')
  expect(typists('a')).toBe('a-name is typing…')
  expect(typists('a', 'b')).toBe('a-name and b-name are typing…')
  expect(typists('a', 'b', 'c')).toBe('a-name and 2 others are typing…')
  expect(['Ada Byron', 'grace', '', '  ', '👩‍🚀 X', 'Ana María de la Cruz'].map(initials)).toEqual([
    'AB',
    'G',
    '?',
    '?',
    '👩X',
    'AC',
  ])
  expect(textOn('#ffff00')).toBe('#000')
  expect(textOn('#003')).toBe('#fff')
  expect(textOn('rebeccapurple')).toBe('#fff')
})

test('a cursor is in the same place after the same time at any frame rate', () => {
  const to = { x: 100, y: 50 }
  const after = (frames: number, frameMs: number) => {
    let at = { x: 0, y: 0 }
    for (let frame = 0; frame < frames; frame += 1) at = approach(at, to, frameMs)
    return at
  }
  expect(after(12, 5).x).toBeCloseTo(after(4, 15).x, 6)
  expect(after(40, 16)).toBe(to)
})
