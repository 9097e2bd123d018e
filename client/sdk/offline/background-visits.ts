/** Opens documents without the application, a few at a time, for as long as it takes to sync them. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import { toWeftError, type WireError } from '../../../shared/errors.ts'
import type { Connection } from '../connection.ts'
import type { DocumentHandle } from '../document-handle.ts'
import type { OpenDocuments } from '../open-documents.ts'

export type VisitsOptions = {
  readonly documents: OpenDocuments
  readonly connection: Connection
  readonly clock: Clock
}

export type Goal = 'saved' | 'synced'

const AT_ONCE = 3
const QUEUE_MAX = 10_000
/** Connected for that long without getting there: others have their turn, this one comes again. */
const PATIENCE_MS = 30_000

export class BackgroundVisits {
  readonly #options: VisitsOptions
  readonly #waiting = new Map<string, Goal>()
  readonly #running = new Map<string, DocumentHandle>()
  readonly #refusals = new Map<string, WireError>()
  #isEnded = false

  constructor(options: VisitsOptions) {
    this.#options = options
  }

  /** Why the server would not take what a document has; undefined when it did, or was not asked. */
  refusalOf(name: string): WireError | undefined {
    return this.#refusals.get(name)
  }

  add(name: string, goal: Goal): void {
    if (this.#running.has(name) || this.#waiting.size >= QUEUE_MAX) return
    if (this.#waiting.get(name) !== 'saved') this.#waiting.set(name, goal)
    this.#next()
  }

  end(): void {
    this.#isEnded = true
    this.#waiting.clear()
    for (const handle of this.#running.values()) handle.close()
    this.#running.clear()
  }

  #next(): void {
    for (const [name, goal] of this.#waiting) {
      if (this.#running.size >= AT_ONCE || this.#isEnded) return
      this.#waiting.delete(name)
      void this.#visit(name, goal)
    }
  }

  async #visit(name: string, goal: Goal): Promise<void> {
    const handle = this.#options.documents.open(name, 'background')
    this.#running.set(name, handle)
    const [outOfPatience, cancel] = this.#patience()
    try {
      await Promise.race([reach(handle, goal), outOfPatience])
      this.#refusals.delete(name)
    } catch (error) {
      // The changes stay where they are; `list()` says why.
      this.#refusals.set(name, toWeftError(error).toWire())
    } finally {
      cancel()
      if (this.#running.delete(name)) handle.close()
      this.#next()
    }
  }

  #patience(): [Promise<void>, Cancel] {
    const { clock, connection } = this.#options
    let cancel: Cancel = () => {}
    const over = new Promise<void>(resolve => {
      const wait = () => {
        // Without a connection nobody else would get any further.
        cancel = clock.after(PATIENCE_MS, () => (connection.isOpen ? resolve() : wait()))
      }
      wait()
    })
    return [over, () => cancel()]
  }
}

async function reach(handle: DocumentHandle, goal: Goal): Promise<void> {
  if (goal === 'synced') await handle.whenSynced()
  await handle.whenSaved()
}
