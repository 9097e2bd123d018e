/** The documents that are open: shared by their holds, and closed when that loses nothing. */
import { DocumentHandle } from './document-handle.ts'
import type { OpenDocument } from './open-document.ts'

type Entry = {
  readonly document: OpenDocument
  holds: number
  /** Holds of the application; the others are this client's own. */
  shown: number
  /** Nobody holds it, and it waits for its changes to be safe somewhere. */
  stopLingering: () => void
}

export class OpenDocuments {
  readonly #create: (name: string, ready: Promise<unknown>) => OpenDocument
  readonly #entries = new Map<string, Entry>()
  /** Documents that are still writing their last changes to this device. */
  readonly #closing = new Map<string, Promise<void>>()

  constructor(create: (name: string, ready: Promise<unknown>) => OpenDocument) {
    this.#create = create
  }

  /** A document that is only held in the background says nothing of its user to others. */
  open(name: string, purpose: 'shown' | 'background'): DocumentHandle {
    const entry = this.#entries.get(name) ?? this.#start(name)
    entry.holds += 1
    entry.stopLingering()
    if (purpose === 'shown' && entry.shown++ === 0) entry.document.show()
    return new DocumentHandle(name, entry.document, () => {
      if (purpose === 'shown' && --entry.shown === 0) entry.document.hide()
      this.#release(name, entry)
    })
  }

  find(name: string): OpenDocument | undefined {
    return this.#entries.get(name)?.document
  }

  all(): ReadonlyMap<string, OpenDocument> {
    return new Map(Array.from(this.#entries, ([name, { document }]) => [name, document]))
  }

  /** Resolves when everything is on this device, as far as it can be. */
  async closeAll(): Promise<void> {
    for (const [name, entry] of Array.from(this.#entries)) this.#close(name, entry)
    await Promise.all(this.#closing.values())
  }

  /** Lets go of everything, and writes nothing. */
  abandonAll(): void {
    for (const { document, stopLingering } of this.#entries.values()) {
      stopLingering()
      document.abandon()
    }
    this.#entries.clear()
  }

  #start(name: string): Entry {
    // Who opens it again right away must read what is being written.
    const ready = this.#closing.get(name) ?? Promise.resolve()
    const entry = {
      document: this.#create(name, ready),
      holds: 0,
      shown: 0,
      stopLingering: () => {},
    }
    this.#entries.set(name, entry)
    return entry
  }

  #release(name: string, entry: Entry): void {
    entry.holds -= 1
    if (entry.holds > 0 || this.#entries.get(name) !== entry) return
    if (isSafe(entry.document)) return this.#close(name, entry)
    // This page is all that has these changes: the document stays until the server or the device
    // has them.
    const stop = entry.document.state.subscribe(() => {
      if (isSafe(entry.document)) this.#close(name, entry)
    })
    entry.stopLingering = () => {
      stop()
      entry.stopLingering = () => {}
    }
  }

  #close(name: string, entry: Entry): void {
    entry.stopLingering()
    this.#entries.delete(name)
    const closed = entry.document.close().finally(() => {
      if (this.#closing.get(name) === closed) this.#closing.delete(name)
    })
    this.#closing.set(name, closed)
  }
}

function isSafe(document: OpenDocument): boolean {
  const { loaded, unsaved, persistence } = document.state.get()
  return loaded && (unsaved === 0 || persistence === 'ok')
}
