import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { editAtRandom } from '../testing/random-edits.ts'
import { ownPart } from './own-part.ts'

const docOf = (clientId: number) => {
  const doc = new Y.Doc()
  doc.clientID = clientId
  return doc
}
const give = (from: Y.Doc, to: Y.Doc) => Y.applyUpdate(to, Y.encodeStateAsUpdate(from))

describe('the own part of a state', () => {
  test('is what leans on nothing of others, and no more', () => {
    const [server, ada, bob] = [docOf(1), docOf(2), docOf(3)]
    ada.getText('t').insert(0, 'A')
    give(ada, bob)
    bob.getText('own').insert(0, 'B')
    bob.getText('t').insert(1, 'b')
    bob.getText('own').insert(1, 'never reached: it comes behind what leans on A')
    const part = ownPart(server, Y.encodeStateAsUpdate(bob), id => id === 3)
    Y.applyUpdate(server, part!)
    expect(server.store.pendingStructs).toBeNull()
    expect(server.getText('own').toString()).toBe('B')
    expect(server.getText('t').toString()).toBe('')
    give(ada, server)
    Y.applyUpdate(
      server,
      ownPart(server, Y.encodeStateAsUpdate(bob), id => id === 3)!,
    )
    expect(server.getText('t').toString()).toBe('Ab')
    expect(server.getText('own').toString()).toMatch(/^Bnever/)
  })

  test('is nothing when all of it leans on others', () => {
    const [server, ada, bob] = [docOf(1), docOf(2), docOf(3)]
    ada.getText('t').insert(0, 'A')
    give(ada, bob)
    bob.getText('t').insert(1, 'b')
    expect(ownPart(server, Y.encodeStateAsUpdate(bob), id => id === 3)).toBeUndefined()
  })

  test.each([1, 2, 3, 77, 1234])('two who lean on each other come on in turns, seed %i', seed => {
    const random = seededRandom(seed)
    const server = docOf(1)
    const people = [docOf(2), docOf(3)]
    for (let step = 0; step < 60; step++) {
      const [one, other] = random.next() < 0.5 ? people : people.toReversed()
      editAtRandom(one!, random)
      if (integerBetween(random, 0, 2) > 0) give(one!, other!)
    }
    // Neither is ever asked for what the other one wrote.
    for (let turn = 0; turn < 200; turn++) {
      const doc = people[turn % 2]!
      const missing = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(server))
      const part = ownPart(server, missing, id => id === doc.clientID)
      if (part !== undefined) Y.applyUpdate(server, part)
      expect(server.store.pendingStructs).toBeNull()
      expect(server.store.pendingDs).toBeNull()
    }
    give(people[0]!, people[1]!)
    give(people[1]!, people[0]!)
    expect(Y.decodeStateVector(Y.encodeStateVector(server))).toEqual(
      Y.decodeStateVector(Y.encodeStateVector(people[0]!)),
    )
  })
})
