/** Documents that were refused, and may be open now: asked once more without the application. */
import { sleep, type Clock } from '../../../shared/clock.ts'
import type { OpenDocuments } from '../open-documents.ts'

export type RefusedDocumentsOptions = {
  readonly documents: Pick<OpenDocuments, 'all'>
  readonly clock: Clock
  /** Aborts when the client ends. */
  readonly end: AbortSignal
}

/** The server that a document is open on may learn of a grant a second after another one. */
const WAITS_MS: readonly number[] = [0, 1_000, 3_000]

export class RefusedDocuments {
  readonly #options: RefusedDocumentsOptions

  constructor(options: RefusedDocumentsOptions) {
    this.#options = options
  }

  /** Tries what the pattern covers, as long as it is refused, three times at most. */
  async retry(pattern: string): Promise<void> {
    const { documents, clock, end } = this.#options
    for (const waitMs of WAITS_MS) {
      if (waitMs > 0) await sleep(clock, waitMs, end)
      if (end.aborted) return
      for (const [name, document] of documents.all()) {
        const { status } = document.state.get()
        if (status.kind !== 'refused' || status.error.code !== 'FORBIDDEN') continue
        if (covers(pattern, name)) document.retry()
      }
    }
  }
}

/** As grants do: `a/**` covers what is below `a/`. */
function covers(pattern: string, name: string): boolean {
  if (pattern === '**') return true
  return pattern.endsWith('/**') ? name.startsWith(pattern.slice(0, -2)) : name === pattern
}
