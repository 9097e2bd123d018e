/** Refuses to drop what the server does not have. */

export type UnsentDocument = { readonly name: string; readonly unsent: number }

/** Give `{ force: true }` to drop these changes for good. */
export class UnsentChangesError extends Error {
  override readonly name = 'UnsentChangesError'
  readonly code = 'UNSENT_CHANGES'
  readonly documents: readonly UnsentDocument[]

  constructor(documents: readonly UnsentDocument[]) {
    const names = documents.map(({ name, unsent }) => `${name} (${unsent})`)
    super(`the server does not have all changes of ${names.join(', ')}`)
    this.documents = documents
  }
}
