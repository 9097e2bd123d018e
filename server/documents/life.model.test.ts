/** The life of documents, tried in every order: nothing leaks, nothing lives twice, nothing is lost. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Supervisor } from '../base/supervise.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { seededRandom } from '../../shared/random.ts'
import { createMetrics } from '../base/metrics.ts'
import { silentLog } from '../base/log.ts'
import { fold } from '../journal/fold.ts'
import { HeldJournal, type Fate } from '../testing/held-journal.ts'
import { Documents, type DocumentHold } from './documents.ts'
import type { LiveDocument } from './live-document.ts'
import { loadDoc } from './loader.ts'

const RUNS = 10_000
const IDLE_MS = 1_000
const metrics = createMetrics()
const names = [documentName('a'), documentName('b')] as const
type Name = (typeof names)[number]

type Holder = { readonly name: Name; hold: DocumentHold | undefined; left: boolean }

/** All microtasks run; no time passes. */
const settle = () => new Promise(resolve => setImmediate(resolve))

class World {
  readonly clock = new ManualClock()
  readonly disk = new HeldJournal()
  readonly documents: Documents
  readonly holders: Holder[] = []
  /** Every live document ever seen, and whether it has ended. */
  readonly instances = new Map<LiveDocument, 'alive' | 'ended'>()
  /** Edits that were called durable, by the incarnation they were made in. */
  readonly acknowledged = new Map<string, string[]>()
  #edits = 0

  constructor() {
    this.documents = new Documents({
      hooks: {},
      supervisor: new Supervisor({ clock: this.clock, log: silentLog, metrics, timeoutMs: 10_000 }),
      journal: this.disk.journal,
      folder: { fold: async input => fold(input), close: async () => {} },
      clock: this.clock,
      random: seededRandom(1),
      log: silentLog,
      metrics,
      limits: {
        updateBytesMax: 1 << 20,
        stateBytesMax: 4 << 20,
        documentBytesMax: 1 << 20,
        notSavingAfterMs: 300,
      },
      compaction: { entriesMin: 4, bytesMin: 1 << 20 },
      idleMs: IDLE_MS,
      unsavedBytesMax: 400,
    })
  }

  connect(name: Name): void {
    const holder: Holder = { name, hold: undefined, left: false }
    this.holders.push(holder)
    this.documents.open(name, { by: 'somebody', create: true }).then(
      hold => {
        if (holder.left) return hold.release()
        holder.hold = hold
        this.#meet(hold.document)
      },
      () => this.#forget(holder),
    )
  }

  #meet(document: LiveDocument): void {
    if (this.instances.has(document)) return
    this.instances.set(document, 'alive')
    document.listen({
      onEnd: error => {
        this.instances.set(document, 'ended')
        for (const one of this.holders.filter(({ hold }) => hold?.document === document)) {
          expect(error.code).toBe('DOCUMENT_DELETED')
          one.hold?.release()
          this.#forget(one)
        }
        // Only a deletion, and the end of the process, may take what is not stored.
        if (error.code !== 'DOCUMENT_DELETED') expect(document.unsavedCount).toBe(0)
      },
    })
  }

  #forget(holder: Holder): void {
    const at = this.holders.indexOf(holder)
    if (at >= 0) this.holders.splice(at, 1)
  }

  disconnect(at: number): void {
    const holder = this.holders[at % Math.max(1, this.holders.length)]
    if (holder === undefined) return
    holder.left = true
    this.#forget(holder)
    holder.hold?.release()
  }

  edit(at: number): void {
    const document = this.holders[at % Math.max(1, this.holders.length)]?.hold?.document
    if (document === undefined) return
    const edit = `e${this.#edits++}`
    const doc = new Y.Doc()
    doc.getMap('edits').set(edit, true)
    const origin = { author: 'somebody', source: this, kind: 'edit' as const }
    try {
      document.write(Y.encodeStateAsUpdate(doc), origin)
    } catch {
      // Too much waits for the store already.
      return
    }
    const { incarnation } = document
    const note = () => {
      this.acknowledged.set(incarnation, [...(this.acknowledged.get(incarnation) ?? []), edit])
    }
    document.whenDurable().then(note, () => {})
  }

  async check(): Promise<void> {
    await settle()
    for (const name of names) {
      const alive = [...this.instances].filter(([one, s]) => one.name === name && s === 'alive')
      expect(alive.length, `live instances of ${name}`).toBeLessThanOrEqual(1)
    }
    for (const { hold } of this.holders) {
      if (hold !== undefined) expect(this.instances.get(hold.document)).toBe('alive')
    }
    for (const name of names) await this.#checkStored(name)
  }

  async #checkStored(name: Name): Promise<void> {
    const head = await this.disk.stored.head(name)
    if (head === undefined || head.deletedAt !== null) return
    const stored = await this.disk.stored.open(name)
    const { doc } = loadDoc(stored!)
    for (const edit of this.acknowledged.get(head.incarnation) ?? []) {
      expect(doc.getMap('edits').has(edit), `${edit} was called durable`).toBe(true)
    }
  }

  /** Everybody leaves, the disk works: in the end nothing may be left. */
  async end(): Promise<void> {
    while (this.holders.length > 0) this.disconnect(0)
    for (let i = 0; i < 60; i++) {
      await settle()
      while (this.disk.waiting > 0) {
        await this.disk.letGo('done')
        await settle()
      }
      this.clock.advance(5_000)
    }
    await this.check()
    expect(this.documents.liveCount).toBe(0)
    expect(this.documents.unsaved).toEqual({ documents: 0, bytes: 0 })
    expect(this.clock.pendingTimers).toBe(0)
    expect([...this.instances.values()]).not.toContain('alive')
  }
}

class Step implements fc.AsyncCommand<object, World> {
  readonly #label: string
  readonly #act: (world: World) => unknown

  constructor(label: string, act: (world: World) => unknown) {
    this.#label = label
    this.#act = act
  }

  check = () => true
  toString = () => this.#label

  async run(_: object, world: World): Promise<void> {
    await this.#act(world)
    await world.check()
  }
}

const name = fc.constantFrom(...names)
const fate = fc.constantFrom<Fate>('done', 'done', 'done', 'refused', 'unanswered')
const span = fc.constantFrom(0, 1, 100, 350, IDLE_MS - 1, IDLE_MS, IDLE_MS + 1, 70_000)
const connect = name.map(of => new Step(`connect ${of}`, world => world.connect(of)))
const edit = fc.nat(5).map(at => new Step(`edit ${at}`, world => world.edit(at)))
const disconnect = fc.nat(5).map(at => new Step(`leave ${at}`, world => world.disconnect(at)))
const letGo = fate.map(of => new Step(`disk: ${of}`, world => world.disk.letGo(of)))

const steps = [
  connect,
  connect,
  edit,
  edit,
  disconnect,
  disconnect,
  letGo,
  letGo,
  letGo,
  span.map(ms => new Step(`${ms} ms`, world => world.clock.advance(ms))),
  name.map(of => new Step(`delete ${of}`, world => world.documents.remove(of, 'admin'))),
  name.map(
    of =>
      new Step(`create ${of}`, world => {
        world.documents.create(of, { by: 'admin' }).catch(() => {})
      }),
  ),
  // Everything in one tick: the last one leaves, the next one comes, the disk answers.
  fc.tuple(fc.nat(5), name, fate).map(
    ([at, of, end]) =>
      new Step(`leave ${at}, disk: ${end}, connect ${of}`, async world => {
        world.disconnect(at)
        const going = world.disk.letGo(end)
        world.connect(of)
        await going
      }),
  ),
]

describe('the life of documents', () => {
  test(
    `${RUNS} histories: no leak, no second instance, no lost edit`,
    { timeout: 180_000 },
    async () => {
      const histories = fc.commands(steps, { maxCommands: 24 })
      const property = fc.asyncProperty(histories, async commands => {
        const world = new World()
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
        await world.end()
      })
      const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
      const details = await fc.check(property, { numRuns: RUNS, seed })
      expect(details.failed, fc.defaultReportMessage(details) ?? '').toBe(false)
    },
  )

  test('two thousand failed readings leave no timer and no document', async () => {
    const world = new World()
    for (let i = 0; i < 2_000; i++) {
      const opening = world.documents.open(documentName(`d${i % 50}`), { by: 'x', create: true })
      const refused = opening.then(
        () => 'opened',
        () => 'refused',
      )
      await world.disk.letGo('refused')
      expect(await refused).toBe('refused')
      world.clock.advance(i % 7 === 0 ? 40_000 : 1)
    }
    world.clock.advance(120_000)
    expect(world.documents.liveCount).toBe(0)
    expect(world.clock.pendingTimers).toBe(0)
  })
})
