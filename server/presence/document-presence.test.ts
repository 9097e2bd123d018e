import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate as encode,
} from 'y-protocols/awareness'
import { NO_COLOR, colorOf } from '../../shared/person.ts'
import type { Principal } from '../../shared/permissions.ts'
import { testPrincipal } from '../../shared/test-principal.ts'
import { encodeAwarenessUpdate, readAwarenessUpdate } from './awareness-update.ts'
import { DocumentPresence, type ToldState } from './document-presence.ts'
import { personOf } from './person-of.ts'
import { decodePresenceMessage, encodePresenceMessage } from './presence-message.ts'

const create = () => new DocumentPresence({ stateBytesMax: 200 })
const session = (principalId: string, told: Partial<Principal> = {}) => ({
  principalId,
  mayWrite: true,
  person: personOf(testPrincipal({ id: principalId, ...told })),
})
/** As everybody is told of this client. */
const shown = (presence: DocumentPresence, clientId: number) =>
  JSON.parse(readAwarenessUpdate(presence.encode([clientId]))[0]?.state ?? '') as unknown
const state = (clientId: number, clock: number, value: unknown) =>
  encodeAwarenessUpdate([{ clientId, clock, state: JSON.stringify(value) }])

describe('presence of a document', () => {
  test('it is plain y-protocols awareness to a stock client', () => {
    const presence = create()
    const alice = new Awareness(new Y.Doc())
    alice.setLocalState({ user: { name: 'Alice' } })
    const changed = presence.announce(session('alice'), encode(alice, [alice.clientID]))
    expect(changed).toEqual([alice.clientID])
    const bob = new Awareness(new Y.Doc())
    applyAwarenessUpdate(bob, presence.encode(changed), 'test')
    expect(bob.getStates().get(alice.clientID)).toMatchObject({ user: { name: 'alice' } })
    alice.destroy()
    bob.destroy()
  })

  test('[P1] a session that ends takes its states along', () => {
    const presence = create()
    const [alice, bob] = [session('alice'), session('bob')]
    presence.announce(alice, state(1, 1, { x: 1 }))
    presence.announce(bob, state(2, 1, { x: 2 }))
    expect(presence.leave(alice)).toEqual([1])
    expect(readAwarenessUpdate(presence.encode([1]))).toEqual([
      { clientId: 1, clock: 1, state: 'null' },
    ])
    expect(presence.size).toBe(1)
  })

  test('[P2] nobody writes or removes the state of somebody else', () => {
    const presence = create()
    const [alice, mallory] = [session('alice'), session('mallory')]
    presence.announce(alice, state(1, 1, { name: 'Alice' }))
    expect(presence.announce(mallory, state(1, 99, { name: 'Mallory' }))).toEqual([])
    expect(presence.announce(mallory, state(1, 99, null))).toEqual([])
    expect(presence.announce(alice, state(1, 2, { name: 'Alice!' }))).toEqual([1])
    expect(presence.announce(alice, state(1, 3, null))).toEqual([1])
    expect(presence.encodeAll()).toBeUndefined()
  })

  test('[P3] a new connection keeps the user when the old one dies', () => {
    const presence = create()
    const [old, fresh] = [session('alice'), session('alice')]
    presence.announce(old, state(1, 5, { name: 'Alice' }))
    expect(presence.announce(fresh, state(1, 5, { name: 'Alice' }))).toEqual([])
    expect(presence.leave(old)).toEqual([])
    expect(presence.size).toBe(1)
  })

  test('[P4] who left and comes back with the same clock is seen again', () => {
    const presence = create()
    const peer = new Awareness(new Y.Doc())
    const first = session('alice')
    const tell = (ids: readonly number[]) =>
      applyAwarenessUpdate(peer, presence.encode(ids), 'test')
    tell(presence.announce(first, state(1, 5, { name: 'Alice' })))
    tell(presence.leave(first))
    expect(peer.getStates().has(1)).toBe(false)
    tell(presence.announce(session('alice'), state(1, 5, { name: 'Alice' })))
    expect(peer.getStates().get(1)).toMatchObject({ name: 'Alice' })
    peer.destroy()
  })

  test('a renewal with a higher clock is passed on', () => {
    const presence = create()
    const alice = session('alice')
    presence.announce(alice, state(1, 1, { x: 1 }))
    expect(presence.announce(alice, state(1, 2, { x: 1 }))).toEqual([1])
    expect(presence.announce(alice, state(1, 2, { x: 1 }))).toEqual([])
  })

  test('[P5] size and number of states are bounded', () => {
    const presence = create()
    const alice = session('alice')
    expect(() => presence.announce(alice, state(1, 1, 'x'.repeat(300)))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    )
    for (let id = 0; id < 100; id++) presence.announce(alice, state(id, 1, {}))
    expect(presence.size).toBe(8)
    expect(() => presence.announce(alice, Uint8Array.of(5, 1))).toThrow(
      expect.objectContaining({ code: 'FRAME_INVALID' }),
    )
    expect(() => presence.announce(alice, Uint8Array.of(0xff, 0xff, 0xff, 0x7f))).toThrow(
      /awareness/,
    )
  })

  test('[P8] who it is comes from the token, whatever the client says', () => {
    const presence = create()
    const ada = { name: 'Ada', color: '#123456', avatar: 'https://a.example/ada.png' } as const
    const alice = session('alice', ada)
    const who = { id: 'alice', name: 'Ada', kind: 'user', avatar: 'https://a.example/ada.png' }
    const user = { ...who, color: '#123456', colorLight: '#12345633' }
    const lies: readonly unknown[] = [
      {
        user: { id: 'bob', name: 'Bob', color: '#000', kind: 'service', isAdmin: true },
        cursor: 7,
      },
      { user: 'bob', cursor: 7 },
      { cursor: 7 },
    ]
    for (const [i, lie] of lies.entries()) {
      expect(presence.announce(alice, state(1, i + 1, lie))).toEqual([1])
      expect(shown(presence, 1)).toEqual({ user, cursor: 7 })
    }
    expect(presence.announce(alice, state(1, 9, null))).toEqual([1])
    expect(shown(presence, 1)).toBeNull()
  })

  test('[P8] without a name and a colour it is the id, and the colour of the id', () => {
    const presence = create()
    presence.announce(session('alice', { name: `\u202e${'x'.repeat(70)}` }), state(1, 1, {}))
    expect(shown(presence, 1)).toMatchObject({ user: { name: 'x'.repeat(64) } })
    presence.announce(session('bob', { name: '\u202e', kind: 'agent' }), state(2, 1, {}))
    const user = { name: 'bob', color: colorOf('bob'), kind: 'agent' }
    expect(shown(presence, 2)).toMatchObject({ user })
  })

  test('[P8] a token with another name: the others see it, and what the client says later', () => {
    const presence = create()
    const alice = session('alice')
    presence.announce(alice, state(1, 5, { x: 1 }))
    const told = new Awareness(new Y.Doc())
    applyAwarenessUpdate(told, presence.encode([1]), 'test')
    alice.person = personOf(testPrincipal({ id: 'alice', name: 'Alice B.' }))
    expect(presence.refresh(alice)).toEqual([1])
    applyAwarenessUpdate(told, presence.encode([1]), 'test')
    expect(told.getStates().get(1)).toMatchObject({ x: 1, user: { name: 'Alice B.' } })
    // The client knows nothing of it, and counts on from its own clock.
    expect(presence.announce(alice, state(1, 6, { x: 2 }))).toEqual([1])
    applyAwarenessUpdate(told, presence.encode([1]), 'test')
    expect(told.getStates().get(1)).toMatchObject({ x: 2, user: { name: 'Alice B.' } })
    told.destroy()
  })
})

describe('presence of several nodes', () => {
  const told = (clientId: number, clock: number, value: unknown, principalId = 'alice') => ({
    clientId,
    clock,
    state: JSON.stringify(value),
    principalId,
    mayWrite: true,
  })
  const readBack = (states: readonly ToldState[]) => {
    const bytes = encodePresenceMessage({ kind: 'here', isWhole: false, states })
    const message = decodePresenceMessage(bytes)
    return message.kind === 'here' ? message.states : []
  }
  const hear = (presence: DocumentPresence, node: string, ...states: ReturnType<typeof told>[]) =>
    presence.hear(node, { states, isWhole: false })

  test('[P6] people of another node are shown, and leave with it', () => {
    const presence = create()
    presence.announce(session('bob'), state(2, 1, { x: 2 }))
    expect(hear(presence, 'n1', told(1, 1, { x: 1 }))).toEqual([1])
    expect(hear(presence, 'n1', told(1, 1, { x: 1 }))).toEqual([])
    expect(hear(presence, 'n2', told(3, 1, { x: 3 }, 'carl'))).toEqual([3])
    expect(presence.forgetNode('n1')).toEqual([1])
    expect(presence.size).toBe(2)
  })

  test('[P6] [T9] another tenant’s user of the same id takes nothing over, from whichever node', () => {
    const presence = create()
    const own = { ...session('alice'), tenant: 'acme' }
    presence.announce(own, state(1, 1, { x: 1 }))
    const evil = { ...told(1, 9, { x: 'forged' }), tenant: 'evil' }
    const [asTold] = readBack([evil])
    expect(asTold).toEqual(evil)
    expect(hear(presence, 'n1', evil)).toEqual([])
    presence.announce({ ...session('alice'), tenant: 'evil' }, state(1, 9, { x: 'forged' }))
    expect(presence.tellAll()).toMatchObject([{ clientId: 1, tenant: 'acme' }])
    expect(presence.tellAll()[0]?.state).not.toContain('forged')
    // A node of an earlier version does not say of which tenant they are.
    expect(readBack([told(1, 9, { x: 2 })])).toEqual([told(1, 9, { x: 2 })])
    expect(hear(presence, 'n1', told(1, 9, { x: 2 }))).toEqual([1])
  })

  test('[P6] what is heard is never told on', () => {
    const presence = create()
    presence.announce(session('bob'), state(2, 1, { x: 2 }))
    hear(presence, 'n1', told(1, 1, { x: 1 }))
    expect(presence.tellAll().map(({ clientId }) => clientId)).toEqual([2])
  })

  test('[P2] another node cannot speak for somebody of this one, nor for a third node’s', () => {
    const presence = create()
    presence.announce(session('bob'), state(2, 5, { x: 2 }))
    hear(presence, 'n1', told(1, 1, { x: 1 }))
    expect(hear(presence, 'n2', told(2, 99, { x: 9 }, 'mallory'))).toEqual([])
    expect(hear(presence, 'n2', told(2, 99, null, 'bob'))).toEqual([])
    expect(hear(presence, 'n2', told(1, 99, null))).toEqual([])
    expect(presence.size).toBe(2)
  })

  test('[P3] somebody who changes the node stays, whoever speaks first', () => {
    const [here, there, third] = [create(), create(), create()]
    const old = session('alice')
    there.announce(old, state(1, 5, { x: 1 }))
    for (const other of [here, third])
      other.hear('there', { states: there.tellAll(), isWhole: false })
    // The connection comes anew, to another node, with the state that it had.
    expect(here.announce(session('alice'), state(1, 5, { x: 1 }))).toEqual([1])
    const moved = here.tell([1])
    expect(there.hear('here', { states: moved, isWhole: false })).toEqual([1])
    expect(third.hear('here', { states: moved, isWhole: false })).toEqual([1])
    // What is left of the old one ends.
    expect(there.leave(old)).toEqual([])
    third.hear('there', { states: there.tellAll(), isWhole: true })
    expect([here.size, there.size, third.size]).toEqual([1, 1, 1])
  })

  test('[P6] a whole message takes away who is not in it', () => {
    const presence = create()
    hear(presence, 'n1', told(1, 1, { x: 1 }), told(2, 1, { x: 2 }))
    const states = [told(2, 2, { x: 2 })]
    expect(presence.hear('n1', { states, isWhole: true })).toEqual([2, 1])
    expect(presence.size).toBe(1)
  })

  test('[P5] states of another node are bounded, and have to be states', () => {
    const presence = create()
    const [large, text] = [told(1, 1, 'x'.repeat(5_000)), told(2, 1, 'text')]
    expect(hear(presence, 'n1', large, text, told(3, 2 ** 53, {}))).toEqual([])
    expect(presence.size).toBe(0)
  })

  test('[P7] names and colours that a node of an earlier version tells are made harmless', () => {
    const presence = create()
    const name = `\u202e${'x'.repeat(70)}`
    hear(presence, 'n1', told(1, 1, { user: { name, color: 'red;position:fixed' }, cursor: 7 }))
    expect(shown(presence, 1)).toEqual({
      user: { name: 'x'.repeat(64), color: NO_COLOR },
      cursor: 7,
    })
    hear(presence, 'n1', told(2, 1, { user: 'anything' }))
    expect(shown(presence, 2)).toEqual({ user: 'anything' })
  })
})
