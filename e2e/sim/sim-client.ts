/** A person with a device: one tab of the sdk at a time, and everything that was ever typed. */
import { seededRandom, type Random } from '../../shared/random.ts'
import { createClient, type DocumentHandle, type WeftClient } from '../../client/sdk/index.ts'
import { editAtRandom } from '../../server/testing/random-edits.ts'
import { Device } from './device.ts'
import type { EventLog } from './event-log.ts'
import type { Network } from './network.ts'
import { Scope, type Schedule } from './schedule.ts'
import { fairWeather, type Weather } from './wire.ts'

export type SimClientOptions = {
  readonly id: string
  readonly document: string
  readonly schedule: Schedule
  readonly network: Network
  readonly random: Random
  readonly log: EventLog
  /** Called after every change of what the handle says. */
  readonly onState: (client: SimClient) => void
  /** Called with tokens that were on the device, and are not in the document that it gave back. */
  readonly onLost: (client: SimClient, tokens: readonly string[]) => void
}

/** One life of the tab. */
export type Tab = {
  readonly client: WeftClient
  readonly scope: Scope
  handle: DocumentHandle
  /** Each runs an interval of the library's own, which belongs to no scope. */
  readonly awarenesses: Set<{ destroy(): void }>
}

export class SimClient {
  readonly id: string
  readonly device: Device
  readonly weather: Weather = fairWeather()
  /** Tokens in the order of their writing, on whatever life of the document. */
  readonly written: string[] = []
  /** Tokens of this client that are in the document of this tab, and how many were called saved. */
  mine: string[] = []
  savedCount = 0
  /** Written before the copy of the device was read: such an edit has no place beside the others. */
  readonly early = new Set<string>()
  /** Lost with a tab that had not kept them. If a peer gives them back, they are the peer's. */
  readonly orphans = new Set<string>()
  /** Which tab wrote a token: only one that has the last token writes the next one behind it. */
  readonly tabOf = new Map<string, number>()
  tab: Tab | undefined
  /** When it was last anything but live, ms of the schedule. */
  notLiveAt = 0
  /** Tokens that the last tab said to be on this device. */
  mustFind: readonly string[] = []
  /** The application cut the connection. */
  paused = false
  readonly #options: SimClientOptions
  readonly #random: Random
  #doc: unknown
  #loaded = false
  #left = false
  #told = ''
  #tabs = 0

  constructor(options: SimClientOptions) {
    this.#options = options
    this.id = options.id
    this.#random = options.random
    this.device = new Device(options.schedule, options.random)
  }

  /** Opens the tab, and the document in it. */
  start(): void {
    const { schedule, network, document, id } = this.#options
    const scope = new Scope(`${id}#${++this.#tabs}`)
    const client = createClient({
      url: 'http://weft.invalid',
      token: () => Promise.resolve(id),
      offline: this.device.mount(scope),
      WebSocket: network.socketFor(id, scope, this.weather),
      clock: schedule.clock(scope),
      random: seededRandom(Math.floor(this.#random.next() * 2 ** 32)),
      wake: { watch: () => () => {} },
    })
    this.tab = { client, scope, handle: client.open(document), awarenesses: new Set() }
    this.paused = false
    this.#watch(this.tab)
  }

  #watch(tab: Tab): void {
    tab.handle.subscribe(() => {
      if (this.tab === tab) this.#onState(tab)
    })
    this.#onState(tab)
  }

  #onState({ handle, awarenesses }: Tab): void {
    const { doc, awareness, loaded, status, save, unsaved, kept } = handle.state.get()
    awarenesses.add(awareness)
    // What an earlier tab left on the device is in the document once the copy is read.
    if (doc !== this.#doc || loaded !== this.#loaded) {
      this.#doc = doc
      this.#loaded = loaded
      this.mine = this.#tokensOf(handle)
      this.savedCount = 0
      if (loaded) this.#checkFound()
    }
    const told = `${status.kind}, ${save.kind}, ${unsaved} unsaved, ${kept} kept`
    if (status.kind !== 'live') this.notLiveAt = this.#options.schedule.elapsed
    if (told !== this.#told) this.#options.log.add(this.id, told)
    this.#told = told
    this.#options.onState(this)
  }

  #checkFound(): void {
    const missing = this.mustFind.filter(token => !this.mine.includes(token))
    this.mustFind = []
    if (missing.length > 0) this.#options.onLost(this, missing)
  }

  #tokensOf(handle: DocumentHandle): string[] {
    const own = `${this.id}:`
    return handle.doc
      .getArray<string>('tokens')
      .toArray()
      .filter(token => token.startsWith(own) && !this.orphans.has(token))
  }

  /** A token, and some edit beside it: one change. */
  write(): void {
    if (this.tab === undefined || this.#left) return
    const token = `${this.id}:${this.written.length}`
    const { doc } = this.tab.handle
    this.written.push(token)
    this.mine.push(token)
    this.tabOf.set(token, this.#tabs)
    if (!this.#loaded) this.early.add(token)
    this.#options.log.add(this.id, `writes ${token}`)
    doc.transact(() => {
      doc.getArray<string>('tokens').push([token])
      editAtRandom(doc, this.#random)
    })
  }

  /** Another hold, and the end of the one before, at once or after the last one ended. */
  reopen(): void {
    const { tab } = this
    if (tab === undefined) return
    const overlaps = this.#random.next() < 0.5
    if (!overlaps) tab.handle.close()
    const next = tab.client.open(this.#options.document)
    if (overlaps) tab.handle.close()
    tab.handle = next
    this.#watch(tab)
  }

  get hasLeft(): boolean {
    return this.#left
  }

  /** Leaves the document; the next call comes back to it. */
  rejoin(): void {
    const { tab } = this
    if (tab === undefined) return
    if (this.#left) {
      tab.handle = tab.client.open(this.#options.document)
      this.#watch(tab)
    } else tab.handle.close()
    this.#left = !this.#left
  }

  setPaused(paused: boolean): void {
    this.paused = paused
    if (paused) this.tab?.client.disconnect()
    else this.tab?.client.connect()
  }

  /** The tab is gone, from one event to the next. Its device stays. */
  crash(): void {
    const { tab } = this
    if (tab === undefined) return
    this.tab = undefined
    this.#doc = undefined
    this.mine = []
    tab.scope.kill()
    for (const awareness of tab.awarenesses) awareness.destroy()
    this.#options.network.clientDied(this.id, this.#random.next() < 0.7)
  }

  async close(): Promise<void> {
    const { tab } = this
    this.tab = undefined
    await tab?.client.close()
  }
}
