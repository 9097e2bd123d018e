/** Leaving and coming back in one tick: nobody is ever handed a document that has left memory. */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Supervisor } from '../base/supervise.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { seededRandom } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { fold } from '../journal/fold.ts'
import { HeldJournal } from '../testing/held-journal.ts'
import { Documents, type DocumentHold } from './documents.ts'

const IDLE_MS = 1_000
const name = documentName('a')
const metrics = createMetrics()
const settle = () => new Promise(resolve => setImmediate(resolve))

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

function harness() {
  const clock = new ManualClock()
  const disk = new HeldJournal()
  const documents = new Documents({
    hooks: {},
    supervisor: new Supervisor({ clock: clock, log: silentLog, metrics, timeoutMs: 10_000 }),
    journal: disk.journal,
    folder: { fold: async input => fold(input), close: async () => {} },
    clock,
    random: seededRandom(1),
    log: silentLog,
    metrics,
    limits: {
      updateBytesMax: 1 << 20,
      stateBytesMax: 4 << 20,
      documentBytesMax: 1 << 20,
      notSavingAfterMs: 60_000,
    },
    compaction: { entriesMin: 1_000, bytesMin: 1 << 20 },
    idleMs: IDLE_MS,
    unsavedBytesMax: 1 << 20,
  })
  const open = () => documents.open(name, { by: 'somebody', create: true })
  const letAllGo = async () => {
    for (let i = 0; i < 20; i++) {
      await settle()
      while (disk.waiting > 0) await disk.letGo('done')
    }
  }
  return { clock, disk, documents, open, letAllGo }
}

function edit({ document }: DocumentHold, key: string): void {
  const doc = new Y.Doc()
  doc.getMap('edits').set(key, true)
  const origin = { author: 'somebody', source: harness, kind: 'edit' as const }
  document.write(Y.encodeStateAsUpdate(doc), origin)
}

/** What is in the hand is what is in memory, and an edit to it reaches the disk. */
async function expectAlive(world: ReturnType<typeof harness>, hold: DocumentHold): Promise<void> {
  const { documents, disk, letAllGo } = world
  expect(documents.peek(name)).toBe(hold.document)
  edit(hold, 'after')
  const durable = hold.document.whenDurable()
  await letAllGo()
  await durable
  const stored = await disk.stored.open(name)
  const doc = new Y.Doc()
  for (const { update } of stored!.tail) Y.applyUpdate(doc, update)
  expect(Object.keys(doc.getMap('edits').toJSON()).toSorted()).toEqual(['after', 'before'])
  hold.release()
}

const offsets = Array.from({ length: 21 }, (_, i) => i - 10)

/** Both begin in one tick; one of them starts some microtasks later. */
async function together(offset: number, one: () => unknown, other: () => unknown): Promise<void> {
  const first = microtasks(Math.max(0, -offset)).then(one)
  const second = microtasks(Math.max(0, offset)).then(other)
  await Promise.all([first, second])
}

describe('leaving memory and coming back', () => {
  test.each(offsets)('the last edit is stored, and somebody opens: %i microtasks', async offset => {
    const world = harness()
    const { clock, disk, open, letAllGo } = world
    const opening = open()
    await letAllGo()
    const first = await opening
    edit(first, 'before')
    first.release()
    await settle()
    // Nobody needs it: it waits for its append, and goes as soon as that is done.
    clock.advance(IDLE_MS)
    await settle()
    let again: Promise<DocumentHold> | undefined
    await together(
      offset,
      () => disk.letGo('done'),
      () => {
        again = open()
      },
    )
    await letAllGo()
    await expectAlive(world, await again!)
  })

  test.each(offsets)('the first reader leaves, the reading ends: %i microtasks', async offset => {
    const world = harness()
    const { clock, disk, open, letAllGo } = world
    const opening = open()
    const joining = open()
    await settle()
    await together(
      offset,
      () => disk.letGo('done'),
      () => void opening.then(hold => hold.release()),
    )
    const hold = await joining
    clock.advance(2 * IDLE_MS)
    await letAllGo()
    edit(hold, 'before')
    await expectAlive(world, hold)
  })

  test.each(offsets)('the idle time ends, and somebody opens: %i microtasks', async offset => {
    const world = harness()
    const { clock, open, letAllGo } = world
    const opening = open()
    await letAllGo()
    const first = await opening
    edit(first, 'before')
    await letAllGo()
    first.release()
    let again: Promise<DocumentHold> | undefined
    await together(
      offset,
      () => clock.advance(IDLE_MS),
      () => {
        again = open()
      },
    )
    await letAllGo()
    await expectAlive(world, await again!)
  })
})
