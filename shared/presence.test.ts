import { describe, expect, test } from 'vitest'
import type { Person } from './person.ts'
import { joinPeople, readPresenceFields } from './presence.ts'

const person = (id: string, name = id): Person => ({
  id,
  name,
  kind: 'user',
  color: '#123456',
  colorLight: '#12345633',
})

describe('people with all of their devices', () => {
  test('[P11] several devices are one person, and the loudest says how they are', () => {
    const user = person('ada', 'Ada')
    const states = [
      { user, status: 'away', viewing: 'page-1', activity: { kind: 'reading' } },
      { user, viewing: 'page-2', typing: true },
      { user: person('bob', 'Bob'), status: 'away' },
      { user, status: 'away', viewing: 'page-2' },
    ]
    const ada = { ...user, status: 'online', devices: 3, typing: true }
    const bob = { ...person('bob', 'Bob'), status: 'away', devices: 1, typing: false, viewing: [] }
    expect(joinPeople(states)).toEqual([
      { ...ada, activity: { kind: 'reading' }, viewing: ['page-2', 'page-1'] },
      bob,
    ])
    expect(joinPeople([...states, { user, status: 'busy' }])[0]).toMatchObject({ status: 'busy' })
  })

  test('[P11] who is not to be shown as here shows nothing else either', () => {
    const user = person('ada')
    const state = { user, status: 'offline', typing: true, viewing: 'x', activity: { kind: 'y' } }
    expect(joinPeople([state])).toEqual([
      { ...user, status: 'offline', devices: 1, typing: false, viewing: [] },
    ])
  })

  test('[P11] a field that is not as documented counts as left out, a state of nobody too', () => {
    const odd = { status: 'asleep', activity: { kind: '' }, typing: 'yes', viewing: 7 }
    expect(readPresenceFields(odd)).toEqual({})
    expect(readPresenceFields({ ...odd, status: 'busy' })).toEqual({ status: 'busy' })
    expect(readPresenceFields(null)).toEqual({})
    expect(joinPeople([odd, null, 7, { user: { id: 'x' } }])).toEqual([])
  })
})
