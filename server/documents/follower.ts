/** Looks, again and again, where the documents of this node stand in a journal that others write to. */
import { sleep, type Clock } from '../../shared/clock.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Journal, Position } from '../journal/journal.ts'
import type { LiveDocument } from './live-document.ts'

export type FollowerOptions = {
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Time between two looks, ms; jittered, so that nodes do not ask in step. */
  readonly intervalMs: number
  readonly documents: () => readonly LiveDocument[]
}

/** One question is about so many documents. */
const PAGE = 1_000
/** Documents that are read at a time: more would take the store from those who open one. */
const READERS = 8
/**
 * A node that told a change and has not stored it after so many looks is gone, or has lost its
 * store: whoever was told stores it.
 */
const ADOPT_AFTER_LOOKS = 4

/**
 * What other nodes tell is quick and may be lost; what is in the journal is there. So a document is
 * never further behind than one look, whatever becomes of the bus.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #ending = new AbortController()
  readonly #running: Promise<void>

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  /** Ends once the look in hand is over. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, random, intervalMs, log } = this.#options
    const { signal } = this.#ending
    while (!signal.aborted) {
      await sleep(clock, intervalMs * (0.8 + 0.4 * random.next()), signal)
      if (signal.aborted) return
      try {
        await this.#look()
      } catch (error) {
        // The journal is away: what waits for it says so loudly enough.
        log.debug({ err: error }, 'could not look where the documents stand')
      }
    }
  }

  async #look(): Promise<void> {
    const documents = this.#options.documents()
    // Nobody else may ask, and whoever looks whether this server is ready wants to know.
    if (documents.length === 0) await this.#options.journal.positions([])
    for (let i = 0; i < documents.length; i += PAGE)
      await this.#lookAt(documents.slice(i, i + PAGE))
  }

  async #lookAt(documents: readonly LiveDocument[]): Promise<void> {
    const { journal } = this.#options
    const found = await journal.positions(documents.map(({ name }) => name))
    const positions = new Map(found.map(position => [position.name, position]))
    const waiting = [...documents]
    const work = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        await this.#bringUp(one, positions.get(one.name))
      }
    }
    await Promise.all(Array.from({ length: READERS }, work))
  }

  async #bringUp(document: LiveDocument, position: Position | undefined): Promise<void> {
    const { log, random, intervalMs } = this.#options
    try {
      await document.nodes.follow(position)
      // Jittered too: the first of several nodes to store it spares the others.
      document.nodes.adoptOlderThan(intervalMs * ADOPT_AFTER_LOOKS * (1 + random.next()))
    } catch (error) {
      log.debug({ err: error, document: document.name }, 'could not catch up with the journal')
    }
  }
}
