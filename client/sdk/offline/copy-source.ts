/** What a copy is a copy of: the open document, as its copy on the device sees it. */
import type { OutboxChange } from '../outbox.ts'
import type { StoredCopy } from './offline-store.ts'
import type { StorageProblem } from './storage-problem.ts'

export type CopySource = {
  /** What the document holds beyond the state vector; without one, all of it. */
  readonly encodeState: (stateVector?: Uint8Array) => Uint8Array
  readonly stateVector: () => Uint8Array
  /** Changes that the server has not called durable, from the one after `change` on. */
  readonly unsavedAfter: (change: number) => readonly OutboxChange[]
  /**
   * Takes in a copy, and its unsaved changes as its own. Returns the number of the last change for
   * each row that holds unsaved ones.
   */
  readonly take: (copy: StoredCopy) => ReadonlyMap<number, number>
}

export type CopyListener = {
  /** All changes up to this number are on this device. */
  readonly onKept: (change: number) => void
  /** The device does not keep the copy; null when it does again. Edits go on either way. */
  readonly onProblem: (problem: StorageProblem | null) => void
  /** Another tab found that the document was made anew, and set this copy aside. */
  readonly onSetAside: () => void
}
