/** Two people on two nodes who go on typing: what the nodes tell each other spares the journal. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { seededRandom } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { Supervisor } from '../base/supervise.ts'
import { LocalBus, createLocalFanout } from '../fanout/local-fanout.ts'
import { fold } from '../journal/fold.ts'
import type { Journal } from '../journal/journal.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import { Documents } from './documents.ts'

const clock = new ManualClock()
const random = seededRandom(1)
const log = silentLog
const metrics = createMetrics()
const name = documentName('acme/plan')
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}
const settle = () => turns(8)

type Counted = { readonly journal: Journal; reads: number }

/** Both nodes' way to one journal; `reads` counts how often they look into it. */
function sharedJournal(): Counted {
  const store = new MemoryJournal()
  const journal: Journal = {
    writers: 'shared',
    afterCrash: true,
    // Slower than the bus: others hear of a change before it is stored, and where, with the next.
    async append(append) {
      await turns(3)
      return store.append(append)
    },
    open: (one, create) => store.open(one, create),
    head: one => store.head(one),
    list: query => store.list(query),
    entries(one, afterSeq, limit) {
      counted.reads += 1
      return store.entries(one, afterSeq, limit)
    },
    positions: names => store.positions(names),
    request: (one, key) => store.request(one, key),
    putSnapshot: put => store.putSnapshot(put),
    remove: (one, by, at) => store.remove(one, by, at),
    inspect: one => store.inspect(one),
    health: () => store.health(),
    onBroken: () => {},
    close: () => Promise.resolve(),
  }
  const counted: Counted = { journal, reads: 0 }
  return counted
}

async function typist(journal: Journal, bus: LocalBus, id: string) {
  const fanout = createLocalFanout({ clock, random, log, node: id, bus })
  const documents = new Documents({
    hooks: {},
    journal,
    fanout,
    clock,
    random,
    log,
    metrics,
    supervisor: new Supervisor({ clock, log, metrics, timeoutMs: 10_000 }),
    folder: { fold: async input => fold(input), close: async () => {} },
    limits: {
      updateBytesMax: 1 << 20,
      stateBytesMax: 4 << 20,
      documentBytesMax: 1 << 20,
      notSavingAfterMs: 3_000,
    },
    compaction: { entriesMin: 1_000, bytesMin: 1 << 20 },
    idleMs: 5_000,
    unsavedBytesMax: 1 << 20,
  })
  const { document } = await documents.open(name, { by: id, create: true })
  const doc = new Y.Doc()
  doc.on('update', (update: Uint8Array) => {
    document.write(update, { author: id, source: doc, kind: 'edit' })
  })
  return { document, type: () => doc.getText(id).insert(0, 'k') }
}

test('who goes on typing on two nodes is not read from the journal', async () => {
  const counted = sharedJournal()
  const { journal } = counted
  const bus = new LocalBus()
  const typists = [await typist(journal, bus, 'one'), await typist(journal, bus, 'other')]
  await settle()
  counted.reads = 0
  for (let i = 0; i < 100; i++) {
    typists[i % 2]?.type()
    await settle()
    clock.advance(50)
    await settle()
  }
  // The look once a second finds what was stored since the last change told of it.
  expect(counted.reads).toBeLessThan(25)
  clock.advance(2_000)
  await settle()
  expect(typists.map(({ document }) => document.seq)).toEqual([100, 100])
  expect(typists.map(({ document }) => document.nodes.owe)).toEqual([0, 0])
})
