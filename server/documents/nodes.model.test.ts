/**
 * Several nodes, one journal, a bus that loses what it likes: whatever is called durable can be read
 * from the journal alone, and in the end all are the same.
 */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { ManualClock } from '../../shared/manual-clock.ts'
import { documentName } from '../../shared/names.ts'
import { integerBetween, pick, seededRandom, type Random } from '../../shared/random.ts'
import { silentLog } from '../base/log.ts'
import { createMetrics } from '../base/metrics.ts'
import { Supervisor } from '../base/supervise.ts'
import type { Fanout } from '../fanout/fanout.ts'
import { LocalBus, createLocalFanout } from '../fanout/local-fanout.ts'
import { fold } from '../journal/fold.ts'
import type { Journal } from '../journal/journal.ts'
import { MemoryJournal } from '../journal/memory-journal.ts'
import { Documents, type DocumentHold } from './documents.ts'
import { loadDoc } from './loader.ts'

const NODES = 3
const CLIENTS = 5
const STEPS = 70
const HISTORIES = 250
const name = documentName('acme/plan')
const metrics = createMetrics()

/** Everything that was started runs on, but for timers. */
const settle = async () => {
  for (let i = 0; i < 4; i++) await new Promise(resolve => setImmediate(resolve))
}

type Mood = 'well' | 'slow' | 'away'

class Node {
  readonly documents: Documents
  readonly fanout: Fanout
  readonly id: string
  /** Of its way to the journal. */
  mood: Mood = 'well'
  isDead = false
  readonly #world: World

  constructor(world: World, id: string) {
    this.#world = world
    this.id = id
    const { random } = world
    const clock = this.#clock()
    this.fanout = createLocalFanout({ clock, random, log: silentLog, node: id, bus: world.bus })
    this.documents = new Documents({
      hooks: {},
      supervisor: new Supervisor({ clock, log: silentLog, metrics, timeoutMs: 10_000 }),
      journal: this.#journal(),
      folder: { fold: async input => fold(input), close: async () => {} },
      fanout: this.fanout,
      clock,
      random,
      log: silentLog,
      metrics,
      limits: {
        updateBytesMax: 1 << 20,
        stateBytesMax: 4 << 20,
        documentBytesMax: 1 << 20,
        notSavingAfterMs: 300,
      },
      compaction: { entriesMin: 12, bytesMin: 1 << 20 },
      idleMs: 5_000,
      unsavedBytesMax: 1 << 20,
    })
  }

  /** Timers of a dead node never fire. */
  #clock(): Clock {
    const { clock } = this.#world
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, action): Cancel =>
        clock.after(delayMs, () => {
          if (!this.isDead) action()
        }),
    }
  }

  #journal(): Journal {
    const { store } = this.#world
    const through = <T>(act: () => Promise<T>) => this.#reach(act)
    return {
      writers: 'shared',
      afterCrash: true,
      append: append => through(() => store.append(append)),
      open: (one, create) => through(() => store.open(one, create)),
      head: one => through(() => store.head(one)),
      list: query => through(() => store.list(query)),
      entries: (one, afterSeq, limit) => through(() => store.entries(one, afterSeq, limit)),
      positions: names => through(() => store.positions(names)),
      request: (one, key) => through(() => store.request(one, key)),
      putSnapshot: put => through(() => store.putSnapshot(put)),
      remove: (one, by, at) => through(() => store.remove(one, by, at)),
      inspect: one => through(() => store.inspect(one)),
      health: () => store.health(),
      onBroken: () => {},
      close: () => Promise.resolve(),
    }
  }

  /** There and back: each way takes a while, or fails. */
  async #reach<T>(act: () => Promise<T>): Promise<T> {
    await this.#way()
    const answer = await act()
    await this.#way()
    return answer
  }

  async #way(): Promise<void> {
    const { random, clock } = this.#world
    if (this.isDead) await new Promise(() => {})
    if (this.mood === 'away') throw new WeftError('JOURNAL_UNAVAILABLE', 'injected')
    if (this.mood === 'well') return
    const delayMs = integerBetween(random, 0, 200)
    await new Promise<void>(resolve => clock.after(delayMs, () => resolve()))
    if (this.isDead) await new Promise(() => {})
    // An answer that is lost is the hard case: the store has what nobody knows of.
    if (random.next() < 0.1) {
      throw new WeftError('JOURNAL_UNAVAILABLE', 'injected: lost')
    }
  }
}

/** Somebody with a copy of their own, who comes back to another node when theirs is gone. */
class Client {
  readonly doc = new Y.Doc()
  readonly name: string
  readonly #world: World
  #attached: {
    readonly node: Node
    readonly hold: DocumentHold
    readonly stop: () => void
  } | null = null
  /** The node that was asked for the document and has not answered yet. */
  #asked: Node | null = null
  #outgoing: { readonly update: Uint8Array; readonly tokens: readonly string[] }[] = []
  #unacknowledged = new Set<string>()
  #tokens = 0

  constructor(world: World, id: number) {
    this.#world = world
    this.name = `c${id}`
    this.doc.clientID = 100 + id
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#outgoing.push({ update, tokens: [] })
    })
  }

  async attach(node: Node): Promise<void> {
    if (this.#attached !== null || this.#asked?.isDead === false) return
    this.#asked = node
    try {
      const hold = await node.documents.open(name, { by: this.name, create: true })
      if (node.isDead || this.#asked !== node) return hold.release()
      const stop = hold.document.listen({
        onUpdate: (update, origin) => {
          if (origin?.source !== this) Y.applyUpdate(this.doc, update, this)
        },
        onEnd: () => this.detach(),
      })
      this.#attached = { node, hold, stop }
      this.sync()
    } catch {
      // The journal is away: later.
    } finally {
      if (this.#asked === node) this.#asked = null
    }
  }

  detach(): void {
    const attached = this.#attached
    this.#attached = null
    attached?.stop()
    attached?.hold.release()
  }

  get node(): Node | undefined {
    return this.#attached?.node
  }

  /** Both say what the other lacks. */
  sync(): void {
    const document = this.#attached?.hold.document
    if (document === undefined) return
    for (const update of document.missingFor(Y.encodeStateVector(this.doc))) {
      Y.applyUpdate(this.doc, update, this)
    }
    this.#outgoing = []
    const update = Y.encodeStateAsUpdate(this.doc, document.stateVector())
    this.#write(update, { kind: 'state', tokens: [...this.#unacknowledged] })
  }

  edit(random: Random): void {
    const token = `${this.name}.${this.#tokens++}`
    const text = this.doc.getText('text')
    this.doc.transact(() => {
      // Next to what others wrote a moment ago, so that one leans on the other.
      if (random.next() < 0.7) text.insert(integerBetween(random, 0, text.length), `${token} `)
      const at = integerBetween(random, 0, text.length)
      if (random.next() < 0.5) text.delete(at, Math.min(3, text.length - at))
      const map = this.doc.getMap('map')
      map.set(pick(random, ['a', 'b']), token)
      this.doc.getArray('tokens').push([token])
    })
    this.#unacknowledged.add(token)
    const last = this.#outgoing.pop()
    if (last !== undefined) this.#outgoing.push({ ...last, tokens: [token] })
  }

  flush(): void {
    if (this.#attached === null) return
    const outgoing = this.#outgoing
    this.#outgoing = []
    for (const { update, tokens } of outgoing) this.#write(update, { kind: 'edit', tokens })
  }

  #write(
    update: Uint8Array,
    { kind, tokens }: { readonly kind: 'edit' | 'state'; readonly tokens: readonly string[] },
  ): void {
    const document = this.#attached?.hold.document
    if (document === undefined) return
    try {
      const outcome = document.write(update, { author: this.name, source: this, kind })
      if (outcome.kind === 'gap') return this.#world.soon(() => this.sync())
      document.whenDurable(outcome.version).then(
        () => {
          for (const token of tokens) {
            this.#world.acknowledged.add(token)
            this.#unacknowledged.delete(token)
          }
        },
        () => {},
      )
    } catch (error) {
      if (!(error instanceof WeftError) || !error.retryable) throw error
      this.#world.soon(() => this.sync())
    }
  }

  get isSaved(): boolean {
    return this.#unacknowledged.size === 0
  }

  get isAttached(): boolean {
    return this.#attached !== null
  }
}

class World {
  readonly random: Random
  readonly clock = new ManualClock()
  readonly store = new MemoryJournal()
  readonly bus: LocalBus
  readonly nodes: Node[] = []
  readonly clients: Client[]
  readonly acknowledged = new Set<string>()
  lossRate = 0
  #nextNode = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    // One channel's messages of one node keep their order; they may be lost.
    const lastAt = new Map<string, number>()
    this.bus = new LocalBus((carry, { from, to }) => {
      if (this.random.next() < this.lossRate) return
      const now = this.clock.monotonic()
      const route = `${from} ${to}`
      const at = Math.max(lastAt.get(route) ?? 0, now + integerBetween(this.random, 0, 20))
      lastAt.set(route, at)
      this.clock.after(at - now, carry)
    })
    for (let i = 0; i < NODES; i++) this.startNode()
    this.clients = Array.from({ length: CLIENTS }, (_, i) => new Client(this, i))
  }

  startNode(): void {
    this.nodes.push(new Node(this, `n${this.#nextNode++}`))
  }

  /** Everybody is there; later they come and go. */
  async begin(): Promise<void> {
    for (const client of this.clients) await client.attach(pick(this.random, this.nodes))
    this.clock.advance(100)
    await settle()
  }

  soon(action: () => void): void {
    this.clock.after(50, action)
  }

  async crash(node: Node): Promise<void> {
    node.isDead = true
    this.bus.cut(node.id)
    this.nodes.splice(this.nodes.indexOf(node), 1)
    for (const client of this.clients) if (client.node === node) client.detach()
    this.startNode()
    await settle()
  }

  async step(): Promise<string> {
    const { random } = this
    const roll = random.next()
    const node = pick(random, this.nodes)
    const client = pick(random, this.clients)
    if (roll < 0.4) {
      client.edit(random)
      if (random.next() < 0.8) client.flush()
      return `${client.name} edits`
    }
    if (roll < 0.55) {
      if (client.isAttached) client.flush()
      else await Promise.race([client.attach(node), settle()])
      return `${client.name} on ${node.id}`
    }
    if (roll < 0.56) {
      client.detach()
      return `${client.name} leaves`
    }
    if (roll < 0.62) {
      // While what it made is still on its way to the journal.
      client.edit(random)
      client.flush()
      this.clock.advance(integerBetween(random, 0, 30))
      client.detach()
      await Promise.race([client.attach(node), settle()])
      return `${client.name} moves to ${node.id}`
    }
    if (roll < 0.65) {
      await this.crash(node)
      return `${node.id} crashes`
    }
    if (roll < 0.7) {
      node.mood = pick(random, ['well', 'slow', 'slow', 'away'] as const)
      return `${node.id} finds the journal ${node.mood}`
    }
    if (roll < 0.74) {
      this.lossRate = pick(random, [0, 0.2, 0.6])
      return `loss ${this.lossRate}`
    }
    if (roll < 0.78) {
      if (random.next() < 0.5) this.bus.cut(node.id)
      else this.bus.restore(node.id)
      return `bus of ${node.id}`
    }
    this.clock.advance(pick(random, [1, 5, 5, 20, 20, 20, 100, 100, 400, 1_500, 6_000]))
    return 'time'
  }

  async check(): Promise<void> {
    await settle()
    const stored = await this.store.open(name)
    if (stored === undefined) return expect(this.acknowledged.size).toBe(0)
    // Throws when an entry leans on one that is not there.
    const { doc } = loadDoc(stored)
    const tokens = new Set(doc.getArray('tokens').toJSON())
    for (const token of this.acknowledged) {
      expect(tokens.has(token), `${token} was called durable`).toBe(true)
    }
  }

  /** All is well again: everybody comes back, and time passes. */
  async heal(): Promise<void> {
    this.lossRate = 0
    this.bus.restore()
    for (const node of this.nodes) {
      node.mood = 'well'
      this.bus.restore(node.id)
    }
    for (let i = 0; i < 40; i++) {
      for (const client of this.clients) {
        if (client.isAttached) client.flush()
        else await Promise.race([client.attach(pick(this.random, this.nodes)), settle()])
      }
      this.clock.advance(500)
      await settle()
    }
  }

  async end(): Promise<void> {
    await this.heal()
    await this.check()
    const stored = await this.store.open(name)
    const { doc } = loadDoc(stored!)
    const contents = (one: Y.Doc) => ({
      text: one.getText('text').toString(),
      map: one.getMap('map').toJSON(),
      tokens: one.getArray('tokens').toJSON(),
    })
    const expected = contents(doc)
    expect(expected.tokens).toHaveLength(new Set(expected.tokens).size)
    for (const client of this.clients) {
      expect(client.isSaved, `${client.name} is saved`).toBe(true)
      expect(contents(client.doc), client.name).toEqual(expected)
    }
    for (const node of this.nodes) {
      const live = node.documents.peek(name)
      if (live !== undefined) expect(contents(live.doc), node.id).toEqual(expected)
      expect(node.documents.unsaved, node.id).toEqual({ documents: 0, bytes: 0 })
    }
  }
}

/** Seeds that found something. */
const KEPT = [7234]

async function expectSound(seed: number): Promise<void> {
  const world = new World(seed)
  const told: string[] = []
  try {
    await world.begin()
    for (let step = 0; step < STEPS; step++) {
      told.push(await world.step())
      await world.check()
    }
    await world.end()
  } catch (error) {
    throw new Error(`SEED=${seed}\n${told.join('\n')}`, { cause: error })
  }
}

describe('one document on several nodes', () => {
  const first = Number(process.env['SEED'] ?? 1)
  const count = Number(process.env['SEEDS'] ?? (process.env['SEED'] === undefined ? HISTORIES : 1))

  test(`[D19] ${count} histories from SEED=${first}`, { timeout: 900_000 }, async () => {
    for (let seed = first; seed < first + count; seed++) await expectSound(seed)
  })

  test.each(KEPT)('[D19] the history of seed %i', async seed => {
    await expectSound(seed)
  })
})
