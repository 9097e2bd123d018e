/** What can be known of an open document. */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { WireError } from '../../shared/errors.ts'
import type { Access, DocumentStatus } from './document-status.ts'
import type { StorageProblem } from './offline/storage-problem.ts'
import type { SaveState } from './save-state.ts'

/** Everything there is to know about an open document, at one moment. */
export type DocumentState = {
  /**
   * Another one after the document was deleted and made anew on the server, or after the server
   * refused a change of somebody who may not write.
   */
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly status: DocumentStatus
  /** What the token allows; null until the server has said so. */
  readonly access: Access | null
  readonly save: SaveState
  /** Changes that are not durable on the server. */
  readonly unsaved: number
  /** How many of these are stored on this device: closing the page does not lose them. */
  readonly kept: number
  /** The copy on this device has been read, or there is none. */
  readonly loaded: boolean
  /** Nobody holds it any more. */
  readonly closed: boolean
  /** Why nothing can be written: UPGRADE_REQUIRED, or FORBIDDEN once a change was refused. */
  readonly notice: WireError | null
  /** `degraded`: this device does not keep a copy just now; with the page, changes would be gone. */
  readonly persistence: 'ok' | 'degraded'
  /** Why it is degraded; null when it is not. */
  readonly storageProblem: StorageProblem | null
}

/** Before anything was read or heard. */
export function firstState({
  doc,
  awareness,
}: Pick<DocumentState, 'doc' | 'awareness'>): DocumentState {
  return {
    doc,
    awareness,
    status: { kind: 'offline' },
    access: null,
    save: { kind: 'offline', changes: 0, kept: 0 },
    unsaved: 0,
    kept: 0,
    loaded: false,
    persistence: 'ok',
    storageProblem: null,
    closed: false,
    notice: null,
  }
}
