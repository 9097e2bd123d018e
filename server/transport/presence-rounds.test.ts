import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../shared/manual-clock.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import {
  encodeAwarenessUpdate,
  readAwarenessUpdate,
  type AwarenessEntry,
} from '../presence/awareness-update.ts'
import { DocumentPresence, type OwnSession } from '../presence/document-presence.ts'
import { personOf } from '../presence/person-of.ts'
import { PresenceRounds, type PresenceReceiver } from './presence-rounds.ts'

const INTERVAL_MS = 50

/** Members of one room, who note what they are told. */
function room() {
  const clock = new ManualClock()
  const presence = new DocumentPresence({ stateBytesMax: 4_096 })
  const members = new Set<Member>()
  const deferred: (() => void)[] = []
  const toNodes: (readonly number[])[] = []
  const rounds = new PresenceRounds({
    presence,
    members,
    intervalMs: INTERVAL_MS,
    onRound: clientIds => void toNodes.push([...clientIds]),
    clock,
    defer: action => void deferred.push(action),
  })
  type Member = OwnSession & PresenceReceiver & { readonly told: (readonly AwarenessEntry[])[] }
  const join = (id: string): Member => {
    const told: (readonly AwarenessEntry[])[] = []
    const member: Member = {
      principalId: id,
      mayWrite: true,
      person: personOf(testPrincipal({ id })),
      keepsUp: true,
      prepare: () => {},
      format: {
        message: null,
        key: id,
        sync: () => new Uint8Array(),
        awareness(update) {
          told.push(readAwarenessUpdate(update))
          return update
        },
      },
      send: () => {},
      told,
    }
    members.add(member)
    return member
  }
  const say = (member: Member, clientId: number, clock_: number, x: unknown) => {
    const state = JSON.stringify(x)
    const update = encodeAwarenessUpdate([{ clientId, clock: clock_, state }])
    rounds.changedHere(presence.announce(member, update), member)
  }
  const turn = () => {
    for (const action of deferred.splice(0)) action()
  }
  return { clock, presence, rounds, toNodes, join, say, turn }
}

describe('rounds of presence', () => {
  test('[P9] after a pause it is told in the same turn, and not to who said it', () => {
    const { join, say, turn, toNodes } = room()
    const [ada, bob] = [join('ada'), join('bob')]
    say(ada, 1, 1, { x: 1 })
    expect(bob.told).toEqual([])
    turn()
    expect(bob.told).toMatchObject([[{ clientId: 1, clock: 1 }]])
    expect(ada.told).toEqual([])
    expect(toNodes).toEqual([[1]])
  })

  test('[P9] a flood of one client is one state a round, the latest', () => {
    const { join, say, turn, clock, toNodes } = room()
    const [ada, bob] = [join('ada'), join('bob')]
    say(ada, 1, 1, { x: 0 })
    turn()
    for (let i = 1; i <= 1_000; i++) {
      say(ada, 1, 1 + i, { x: i })
      turn()
      clock.advance(1)
    }
    clock.advance(INTERVAL_MS)
    expect(bob.told.length).toBeLessThanOrEqual(1_050 / INTERVAL_MS + 1)
    expect(toNodes.length).toBe(bob.told.length)
    expect(bob.told.every(entries => entries.length === 1)).toBe(true)
    expect(JSON.parse(bob.told.at(-1)?.[0]?.state ?? '')).toMatchObject({ x: 1_000 })
  })

  test('[P9] many who move are one frame, the same for everybody', () => {
    const { join, say, turn, clock } = room()
    const people = Array.from({ length: 20 }, (_, i) => join(`user-${i}`))
    for (const [i, one] of people.entries()) say(one, i, 1, { x: 0 })
    turn()
    for (let move = 1; move <= 5; move++) {
      for (const [i, one] of people.entries()) say(one, i, 1 + move, { x: move })
    }
    clock.advance(INTERVAL_MS)
    for (const { told } of people) expect(told.map(({ length }) => length)).toEqual([20, 20])
  })

  test('[P9] nobody is told a later state of their own than they have', () => {
    const { join, say, turn, clock, presence, rounds } = room()
    const [ada, bob] = [join('ada'), join('bob')]
    say(ada, 1, 5, { x: 0 })
    say(ada, 1, 6, null)
    turn()
    // Back with an old clock: the server counts on from the one that everybody has seen.
    say(ada, 1, 1, { x: 1 })
    say(bob, 2, 1, { x: 1 })
    clock.advance(INTERVAL_MS)
    expect(presence.isAhead(1)).toBe(true)
    expect(ada.told.at(-1)?.map(({ clientId }) => clientId)).toEqual([2])
    expect(bob.told.at(-1)?.map(({ clientId }) => clientId)).toEqual([1, 2])
    rounds.close()
    say(ada, 1, 2, { x: 2 })
    clock.advance(INTERVAL_MS)
    expect(clock.pendingTimers).toBe(0)
    expect(ada.told).toHaveLength(1)
  })
})
