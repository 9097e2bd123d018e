import type { Readable } from '../sdk/index.ts'
import type { DocumentView } from './document-store.ts'

/** Where there is no document to watch. */
export const nothingOpen: Readable<DocumentView | null> = {
  get: () => null,
  subscribe: () => () => {},
}
