import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import { contentOf, copyOf, docOf, editAtRandom } from '../testing/random-edits.ts'
import { ClientIds } from './client-ids.ts'
import { LiveDocument } from './live-document.ts'
import { UnsavedBudget } from './unsaved.ts'
import { checkUpdate, isKnown, reachesBeyond, type UpdateKind } from './update-check.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** What the check says: whether it fits, or the code of its refusal. */
function verdict(doc: Y.Doc, update: Uint8Array, kind: UpdateKind = 'edit', updateBytesMax = 1e6) {
  const before = Y.encodeStateAsUpdate(doc)
  try {
    return checkUpdate(doc, update, { kind, updateBytesMax })
  } catch (error) {
    expect(error).toBeInstanceOf(WeftError)
    return (error as WeftError).code
  } finally {
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
  }
}

type HandMadeItem = { readonly text: string; readonly origin?: readonly [number, number] }
type HandMade = {
  readonly blocks?: readonly {
    readonly client: number
    readonly clock: number
    readonly items: readonly HandMadeItem[]
  }[]
  /** Ranges of one client: clock and length. */
  readonly deleted?: { readonly client: number; readonly ranges: readonly [number, number][] }
}

/** An update that no Yjs would write: pieces of the text `text`, and deleted ranges. */
function handMade({ blocks = [], deleted }: HandMade): Uint8Array {
  const encoder = encoding.createEncoder()
  const write = (...numbers: number[]) =>
    numbers.forEach(number => encoding.writeVarUint(encoder, number))
  write(blocks.length)
  for (const { client, clock, items } of blocks) {
    write(items.length, client, clock)
    for (const { text, origin } of items) {
      // A string, with the bit that says whether an origin follows.
      encoding.writeUint8(encoder, 4 | (origin === undefined ? 0 : 0x80))
      if (origin === undefined) {
        write(1)
        encoding.writeVarString(encoder, 'text')
      } else {
        write(...origin)
      }
      encoding.writeVarString(encoder, text)
    }
  }
  write(deleted === undefined ? 0 : 1)
  if (deleted !== undefined) {
    write(deleted.client, deleted.ranges.length)
    for (const range of deleted.ranges) write(...range)
  }
  return encoding.toUint8Array(encoder)
}

/** Three edits of one client, each an update: `a`, `ab`, `b`. */
function threeEdits() {
  const writer = new Y.Doc()
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  writer.getText('text').insert(0, 'a')
  writer.getText('text').insert(1, 'b')
  writer.getText('text').delete(0, 1)
  return updates as [Uint8Array, Uint8Array, Uint8Array]
}

const circle = handMade({
  blocks: [
    { client: 2, clock: 0, items: [{ text: 'a', origin: [1, 0] }] },
    { client: 1, clock: 0, items: [{ text: 'b', origin: [2, 0] }] },
  ],
})
const sameClientTwice = handMade({
  blocks: [
    { client: 1, clock: 0, items: [{ text: 'a' }] },
    { client: 1, clock: 1, items: [{ text: 'b' }] },
  ],
})

describe('[D6] the check of an update', () => {
  test('what builds on the document fits, and so does what it has already', () => {
    const doc = new Y.Doc()
    const updates = threeEdits()
    for (const update of updates) {
      expect(verdict(doc, update)).toBe('fits')
      Y.applyUpdate(doc, update)
      expect(verdict(doc, update)).toBe('fits')
    }
    for (const update of updates) expect(verdict(doc, update)).toBe('fits')
    expect(verdict(doc, Y.mergeUpdates(updates))).toBe('fits')
    expect(verdict(new Y.Doc(), Y.mergeUpdates(updates))).toBe('fits')
  })

  test('an update that is made by hand is like one of Yjs', () => {
    const doc = new Y.Doc()
    const update = handMade({
      blocks: [{ client: 1, clock: 0, items: [{ text: 'ab' }, { text: 'c', origin: [1, 1] }] }],
      deleted: { client: 1, ranges: [[0, 1]] },
    })
    expect(verdict(doc, update)).toBe('fits')
    Y.applyUpdate(doc, update)
    expect(doc.getText('text').toString()).toBe('bc')
  })

  test('[D5] an edit after a missing one is a gap', () => {
    const [first, second, third] = threeEdits()
    const doc = new Y.Doc()
    expect(verdict(doc, second)).toBe('gap')
    expect(verdict(doc, third)).toBe('gap')
    Y.applyUpdate(doc, first)
    expect(verdict(doc, second)).toBe('fits')
  })

  test('[D5] a deletion of something that is missing is a gap, in part or whole', () => {
    const doc = new Y.Doc()
    doc.clientID = 1
    doc.getText('text').insert(0, 'abc')
    const range = (clock: number, length: number, client = 1) =>
      verdict(doc, handMade({ deleted: { client, ranges: [[clock, length]] } }))
    expect(range(0, 3)).toBe('fits')
    expect(range(2, 2)).toBe('gap')
    expect(range(3, 1)).toBe('gap')
    expect(range(0, 1, 2)).toBe('gap')
  })

  test('[D5] an edit beside a missing one of somebody else is a gap', () => {
    const alice = new Y.Doc()
    const bob = new Y.Doc()
    alice.getText('text').insert(0, 'ac')
    Y.applyUpdate(bob, Y.encodeStateAsUpdate(alice))
    const has = Y.encodeStateVector(bob)
    bob.getText('text').insert(1, 'b')
    const update = Y.encodeStateAsUpdate(bob, has)
    expect(verdict(new Y.Doc(), update)).toBe('gap')
    expect(verdict(alice, update)).toBe('fits')
  })

  test('[D5] an edit inside a missing map is a gap', () => {
    const writer = new Y.Doc()
    const inner = new Y.Map<number>()
    writer.getMap('map').set('inner', inner)
    const author = new Y.Doc()
    Y.applyUpdate(author, Y.encodeStateAsUpdate(writer))
    const has = Y.encodeStateVector(author)
    ;(author.getMap('map').get('inner') as Y.Map<number>).set('key', 1)
    const update = Y.encodeStateAsUpdate(author, has)
    expect(verdict(new Y.Doc(), update)).toBe('gap')
    expect(verdict(writer, update)).toBe('fits')
  })

  test('[D5] merged updates with one missing between them are a gap', () => {
    const [first, second] = threeEdits()
    const writer = new Y.Doc()
    Y.applyUpdate(writer, first)
    Y.applyUpdate(writer, second)
    const all: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => all.push(update))
    for (const text of ['x', 'y', 'z']) writer.getText('text').insert(0, text)
    const [x, , z] = all as [Uint8Array, Uint8Array, Uint8Array]
    expect(verdict(copyOf(writer, seededRandom(1)), Y.mergeUpdates([x, z]))).toBe('fits')
    const older = new Y.Doc()
    for (const update of [first, second]) Y.applyUpdate(older, update)
    expect(verdict(older, Y.mergeUpdates([x, z]))).toBe('gap')
  })

  test.each([
    ['no bytes', Uint8Array.of()],
    ['a word', new TextEncoder().encode('hello')],
    ['a number that does not end', new Uint8Array(12).fill(0xff)],
    ['more structs than bytes', Uint8Array.of(1, 200, 1, 1, 0)],
    ['no deleted ranges behind the structs', Uint8Array.of(0)],
    ['a content that there is not', Uint8Array.of(1, 1, 1, 0, 31, 1, 1, 97, 0)],
  ])('%s: no update', (_what, bytes) => {
    expect(verdict(new Y.Doc(), bytes)).toBe('UPDATE_INVALID')
  })

  test('an update that is cut anywhere is none', () => {
    const writer = docOf(seededRandom(3))
    for (let i = 0; i < 20; i++) editAtRandom(writer, seededRandom(i))
    const update = Y.encodeStateAsUpdate(writer)
    for (let length = 0; length < update.byteLength; length++) {
      expect(verdict(new Y.Doc(), update.subarray(0, length))).toBe('UPDATE_INVALID')
    }
  })

  test('a struct that depends on itself or on a later one is refused', () => {
    for (const origin of [1, 2, 100]) {
      const items = [{ text: 'a' }, { text: 'b', origin: [1, origin] as const }, { text: 'c' }]
      const update = handMade({ blocks: [{ client: 1, clock: 0, items }] })
      expect(() => checkUpdate(new Y.Doc(), update, { kind: 'edit', updateBytesMax: 1e6 })).toThrow(
        'a struct depends on itself or on a later one',
      )
    }
  })

  test('structs and deleted ranges of no length, or of an absurd one, are refused', () => {
    const doc = new Y.Doc()
    doc.clientID = 1
    doc.getText('text').insert(0, 'abc')
    const items = [{ text: '' }]
    expect(verdict(doc, handMade({ blocks: [{ client: 2, clock: 0, items }] }))).toBe(
      'UPDATE_INVALID',
    )
    for (const clock of [0, 2, 3]) {
      const deleted = { client: 1, ranges: [[clock, 0]] as [number, number][] }
      expect(verdict(doc, handMade({ deleted }))).toBe('UPDATE_INVALID')
    }
    // A struct of ten million and one that was collected as garbage, in seven bytes.
    const encoder = encoding.createEncoder()
    for (const number of [1, 1, 2, 0, 0, 10_000_001, 0]) encoding.writeVarUint(encoder, number)
    expect(verdict(doc, encoding.toUint8Array(encoder))).toBe('UPDATE_INVALID')
  })

  test('one byte over the limit is too large', () => {
    const writer = new Y.Doc()
    writer.getText('text').insert(0, 'x'.repeat(1000))
    const update = Y.encodeStateAsUpdate(writer)
    const size = update.byteLength
    expect(verdict(new Y.Doc(), update, 'edit', size)).toBe('fits')
    expect(verdict(new Y.Doc(), update, 'edit', size - 1)).toBe('UPDATE_TOO_LARGE')
    expect(() =>
      checkUpdate(new Y.Doc(), update, { kind: 'edit', updateBytesMax: size - 1 }),
    ).toThrow(`an update of ${size} bytes; the limit is ${size - 1}`)
    // Nothing that large is read in the first place.
    const garbage = new Uint8Array(size).fill(0xff)
    expect(verdict(new Y.Doc(), garbage, 'edit', size - 1)).toBe('UPDATE_TOO_LARGE')
  })

  test('an edit of many parts is too large, a state of as many is not', () => {
    const doc = new Y.Doc()
    doc.clientID = 1
    doc.getText('text').insert(0, 'x'.repeat(50_000))
    const ranges = (count: number) =>
      handMade({
        deleted: {
          client: 1,
          ranges: Array.from({ length: count }, (_, i): [number, number] => [i * 2, 1]),
        },
      })
    expect(verdict(doc, ranges(20_000))).toBe('fits')
    expect(verdict(doc, ranges(20_001))).toBe('UPDATE_TOO_LARGE')
    expect(verdict(doc, ranges(20_001), 'state')).toBe('fits')
    const items = Array.from({ length: 20_001 }, () => ({ text: 'a' }))
    const structs = handMade({ blocks: [{ client: 2, clock: 0, items }] })
    expect(verdict(doc, structs)).toBe('UPDATE_TOO_LARGE')
    expect(verdict(doc, structs, 'state')).toBe('fits')
  })
})

describe(`any history, SEED=${seed}`, () => {
  /** Updates of two writers who meet now and then, in the order in which they were made. */
  function history(random: Random): Uint8Array[] {
    const writers = [docOf(random), docOf(random)] as const
    const updates: Uint8Array[] = []
    for (const [i, writer] of writers.entries()) {
      writer.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'meeting') updates.push(update)
        else if (i === 0 && random.next() < 0.2) updates.push(Y.encodeStateAsUpdate(writer))
      })
    }
    for (let i = 0; i < 15; i++) {
      editAtRandom(pick(random, writers), random)
      if (random.next() > 0.3) continue
      const [one, two] = writers
      Y.applyUpdate(one, Y.encodeStateAsUpdate(two), 'meeting')
      Y.applyUpdate(two, Y.encodeStateAsUpdate(one), 'meeting')
    }
    return updates
  }

  const rounds = () => Array.from({ length: 30 }, (_, round) => seededRandom(seed + round))

  test('an update fits when Yjs can integrate all of it, and is a gap when not', () => {
    const seen = { fits: 0, gap: 0 }
    for (const random of rounds()) {
      const doc = docOf(random)
      for (const update of history(random)) {
        const copy = copyOf(doc, random)
        Y.applyUpdate(copy, update)
        const expected = contentOf(copy).isWhole ? 'fits' : 'gap'
        expect(verdict(doc, update)).toBe(expected)
        seen[expected] += 1
        // Some get lost on the way, so that those after them are gaps.
        if (expected === 'fits' && random.next() < 0.8) Y.applyUpdate(doc, update)
      }
    }
    expect(Math.min(seen.fits, seen.gap)).toBeGreaterThan(10)
  })

  test('an update is known when applying it changes nothing', () => {
    for (const random of rounds()) {
      const doc = docOf(random)
      const updates = history(random)
      for (const update of updates) {
        if (random.next() < 0.7 && verdict(doc, update) === 'fits') Y.applyUpdate(doc, update)
      }
      for (const update of updates) {
        if (verdict(doc, update) !== 'fits') continue
        const copy = copyOf(doc, random)
        let changes = 0
        copy.on('update', () => (changes += 1))
        Y.applyUpdate(copy, update)
        expect(isKnown(doc, update)).toBe(changes === 0)
      }
    }
  })

  test('an update reaches beyond a vector when it holds a struct that the vector does not', () => {
    for (const random of rounds()) {
      const doc = docOf(random)
      for (const update of history(random)) {
        const vector = Y.decodeStateVector(Y.encodeStateVector(doc))
        const { to } = Y.parseUpdateMeta(update)
        const expected = [...to].some(([client, clock]) => clock > (vector.get(client) ?? 0))
        expect(reachesBeyond(vector, update)).toBe(expected)
        if (random.next() < 0.7) Y.applyUpdate(doc, update)
      }
    }
  })

  test('random bytes are refused or do not fit, and nothing else happens', () => {
    for (const random of rounds()) {
      const doc = docOf(random)
      editAtRandom(doc, random)
      for (let i = 0; i < 50; i++) {
        const bytes = Uint8Array.from({ length: integerBetween(random, 0, 40) }, () =>
          integerBetween(random, 0, random.next() < 0.5 ? 4 : 255),
        )
        expect(['fits', 'gap', 'UPDATE_INVALID', 'UPDATE_TOO_LARGE']).toContain(verdict(doc, bytes))
      }
    }
  })

  test('[D6] a damaged update hurts neither the document nor the next writer', async () => {
    for (const random of rounds()) {
      const live = await liveDocument(random)
      const updates = history(random)
      for (const update of updates) {
        const damaged = Uint8Array.from(update)
        for (let i = 0; i < integerBetween(random, 1, 3); i++) {
          damaged[integerBetween(random, 0, damaged.length - 1)] = integerBetween(random, 0, 255)
        }
        const before = Y.encodeStateAsUpdate(live.doc)
        const said = verdict(live.doc, damaged)
        const outcome = live.write(damaged)
        if (said !== 'fits') {
          expect(outcome).toBe(said === 'gap' ? 'gap' : 'refused')
          expect(Y.encodeStateAsUpdate(live.doc)).toEqual(before)
        }
        expect(live.goodEditIsApplied()).toBe(true)
      }
    }
  })
})

/** A live document, and somebody who goes on with good edits whatever the others send. */
async function liveDocument(random: Random) {
  const name = documentName('acme/plan')
  const journal = new MemoryJournal()
  const creation = { incarnation: 'life-1', by: 'alice', at: 1, afterDeletion: false }
  const stored = await journal.open(name, creation)
  const doc = docOf(random)
  const live = new LiveDocument({
    head: stored!.head,
    doc,
    journal,
    budget: new UnsavedBudget(1e9),
    limits: {
      updateBytesMax: 1e6,
      stateBytesMax: 4e6,
      documentBytesMax: 1e7,
      notSavingAfterMs: 1000,
    },
    clock: new ManualClock(),
    random,
    log: silentLog,
    metrics: createMetrics(),
    clientIds: new ClientIds(),
    roots: undefined,
  })
  const bystander = docOf(random)
  const write = (update: Uint8Array, author = 'mallory') => {
    try {
      return live.write(update, { author, source: {}, kind: 'edit' }).kind
    } catch (error) {
      expect(error).toMatchObject({ code: 'UPDATE_INVALID' })
      return 'refused'
    }
  }
  return {
    doc,
    state: () => live.state(),
    write,
    goodEditIsApplied() {
      const has = Y.encodeStateVector(bystander)
      bystander.getText('bystander').insert(0, 'x')
      return (
        write(Y.encodeStateAsUpdate(bystander, has), 'bystander') === 'applied' &&
        doc.getText('bystander').length === bystander.getText('bystander').length
      )
    },
  }
}

describe('[D6] what slips through the check', () => {
  test.each([
    ['structs of two clients that depend on each other', 'refused', circle],
    ['two blocks of one client, of which Yjs takes only the second', 'gap', sameClientTwice],
  ])(
    '%s: the document is as it was, and the next writer is served',
    async (_what, kind, update) => {
      const live = await liveDocument(seededRandom(1))
      expect(live.goodEditIsApplied()).toBe(true)
      const before = contentOf(live.doc)
      expect(live.write(update)).toBe(kind)
      expect(contentOf(live.doc)).toEqual(before)
      expect(live.goodEditIsApplied()).toBe(true)
      const joiner = new Y.Doc()
      for (const part of live.state()) Y.applyUpdate(joiner, part)
      expect(contentOf(joiner)).toEqual(contentOf(live.doc))
    },
  )
})
