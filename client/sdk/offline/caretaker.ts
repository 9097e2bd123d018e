/** What one tab does for all: sends what was left unsent, follows what is kept, makes room. */
import { every, type Cancel, type Clock } from '../../../shared/clock.ts'
import type { Connection } from '../connection.ts'
import type { DocumentHandle } from '../document-handle.ts'
import type { OpenDocuments } from '../open-documents.ts'
import type { TabGroup } from '../tabs/tab-group.ts'
import type { BackgroundVisits } from './background-visits.ts'
import type { CopySummary, OfflineStore } from './offline-store.ts'
import type { StorageHealth } from './storage-health.ts'
import { storageProblem } from './storage-problem.ts'

export type CaretakerOptions = {
  readonly store: OfflineStore
  readonly documents: OpenDocuments
  readonly connection: Connection
  readonly visits: BackgroundVisits
  readonly health: StorageHealth
  readonly tabs: TabGroup
  readonly clock: Clock
}

/** Copies that nobody asked to keep; the ones opened longest ago go first. */
const COPIES_MAX = 200
/** Kept documents that stay open; further ones are visited now and then. */
const FOLLOWED_MAX = 20
const ROUND_MS = 5 * 60_000
/** After a connect, tabs send what they have by themselves first. */
const PAUSE_MS = 1_500

export class Caretaker {
  readonly #options: CaretakerOptions
  readonly #followed = new Map<string, DocumentHandle>()
  readonly #stops: (() => void)[]
  #cancelPause: Cancel = () => {}
  #round: Promise<void> | undefined
  #isAgain = false
  #isEnded = false

  constructor(options: CaretakerOptions) {
    this.#options = options
    const { connection, tabs, clock } = options
    const soon = () => {
      this.#cancelPause()
      this.#cancelPause = clock.after(PAUSE_MS, () => this.look())
    }
    this.#stops = [
      tabs.isLeader.subscribe(() => this.look()),
      tabs.listen({
        onGone: soon,
        onMessage: ({ type }) => {
          if (type === 'kept') this.look()
        },
      }),
      connection.state.subscribe(() => {
        if (connection.isOpen) soon()
      }),
      every(clock, ROUND_MS, () => this.look()),
      () => this.#cancelPause(),
    ]
    this.look()
  }

  /** Goes round once more; what happens meanwhile makes it go again. */
  look(): void {
    if (this.#isEnded || !this.#options.tabs.isLeader.get()) return
    this.#isAgain = true
    this.#round ??= this.#goRound()
  }

  /** Resolves when it has gone round. */
  async settled(): Promise<void> {
    await this.#round
  }

  end(): void {
    this.#isEnded = true
    for (const stop of this.#stops) stop()
    for (const handle of this.#followed.values()) handle.close()
    this.#followed.clear()
  }

  async #goRound(): Promise<void> {
    const { store, health } = this.#options
    while (this.#isAgain && !this.#isEnded) {
      this.#isAgain = false
      try {
        const copies = await store.list()
        if (this.#isEnded) break
        health.report('', null)
        this.#send(copies)
        this.#follow(copies)
        await this.#makeRoom(copies)
      } catch (error) {
        if (!this.#isEnded) health.report('', storageProblem(error))
      }
    }
    this.#round = undefined
  }

  #send(copies: readonly CopySummary[]): void {
    const { documents, visits } = this.#options
    for (const { name, unsaved } of copies) {
      if (unsaved === 0) continue
      const document = documents.find(name)
      if (document === undefined) visits.add(name, 'saved')
      // Perhaps another tab left them.
      else if (document.state.get().unsaved < unsaved) document.adopt()
    }
  }

  #follow(copies: readonly CopySummary[]): void {
    const { documents, visits } = this.#options
    const kept = copies.filter(copy => copy.kept).sort((a, b) => b.openedAt - a.openedAt)
    const followed = new Set(kept.slice(0, FOLLOWED_MAX).map(({ name }) => name))
    for (const [name, handle] of this.#followed) {
      if (followed.has(name)) continue
      this.#followed.delete(name)
      handle.close()
    }
    for (const name of followed) {
      if (!this.#followed.has(name)) this.#followed.set(name, documents.open(name, 'background'))
    }
    for (const { name } of kept.slice(FOLLOWED_MAX)) visits.add(name, 'synced')
  }

  async #makeRoom(copies: readonly CopySummary[]): Promise<void> {
    const { store, documents } = this.#options
    const loose = copies.filter(({ kept }) => !kept).sort((a, b) => b.openedAt - a.openedAt)
    for (const { name, unsaved } of loose.slice(COPIES_MAX)) {
      // Asked once more by the store, in one step with the removal: a tab may be writing just now.
      if (unsaved === 0 && documents.find(name) === undefined) await store.remove(name, 'saved')
    }
  }
}
