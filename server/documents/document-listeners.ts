/** Who wants to know what happens to a document. */
import type { Logger } from '../base/log.ts'
import type { DocumentListener } from './document-write.ts'

export class DocumentListeners {
  readonly #log: Logger
  readonly #listeners = new Set<DocumentListener>()

  constructor(log: Logger) {
    this.#log = log
  }

  add(listener: DocumentListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  clear(): void {
    this.#listeners.clear()
  }

  /** A listener may leave while it is told: those are not told twice, and nobody is passed over. */
  tell(action: (listener: DocumentListener) => void): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        action(listener)
      } catch (error) {
        // A bug in what one holder does with the news must not keep it from the others, nor end
        // the transaction that it comes from.
        this.#log.error({ err: error }, 'a listener of the document failed')
      }
    }
  }
}
