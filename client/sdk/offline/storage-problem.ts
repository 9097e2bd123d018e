/** Why this device keeps no copy just now, in a form that pages can show. */

export type StorageProblem = {
  readonly reason:
    /** The disk, or the share of it that this origin gets, is full. */
    | 'quota'
    /** The browser gives this page no storage: private windows of some, strict settings. */
    | 'unavailable'
    /** The storage does not answer. */
    | 'blocked'
    | 'failed'
  readonly message: string
}

export type PersistenceState =
  | { readonly kind: 'ok' }
  | ({ readonly kind: 'degraded' } & StorageProblem)

/** A storage failure whose reason is known where it is thrown. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly reason: StorageProblem['reason']

  constructor(reason: StorageProblem['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

export function storageProblem(error: unknown): StorageProblem {
  if (error instanceof StorageError) return { reason: error.reason, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  // Not `instanceof DOMException`: an error of another frame, or of a test, is not one of ours.
  const name = error instanceof Error || isNamed(error) ? error.name : ''
  if (name === 'QuotaExceededError') {
    return { reason: 'quota', message: 'the storage of this browser is full' }
  }
  return { reason: 'failed', message }
}

function isNamed(error: unknown): error is { readonly name: string } {
  return typeof error === 'object' && error !== null && 'name' in error
}
