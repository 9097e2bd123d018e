/** Brings a document to a newer version of the application's schema, once, whoever asks. */
import { WeftError, toWeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Supervisor } from '../base/supervise.ts'
import type { DocumentSchema } from './document-hooks.ts'
import type { DocumentEdits } from './edits.ts'
import type { LiveDocument } from './live-document.ts'

export type MigrationRequest = {
  readonly document: LiveDocument
  readonly edits: DocumentEdits
  readonly supervisor: Supervisor
  /** The newest version that the client understands. */
  readonly schemaMax: number
}

/** Author of what a migration changes. */
const AUTHOR = 'schema-migration'

/**
 * True when this call moved the document. The journal moves the version together with the entry,
 * from where it stood: of two that ask at once, on two nodes even, one changes the document, and
 * the other finds it done.
 */
export async function migrateDocument(
  schema: DocumentSchema,
  { document, edits, supervisor, schemaMax }: MigrationRequest,
): Promise<boolean> {
  let moved = false
  for (;;) {
    const from = document.schema
    const to = from + 1
    const migration = schema.migrations[to]
    if (to > schemaMax || to > schema.version || migration === undefined) return moved
    try {
      await supervisor.required(`migration to ${to}`, () =>
        edits.run({
          author: AUTHOR,
          change: doc => {
            // Waited for its turn: somebody else may have done it by now.
            if (document.schema !== from) return undefined
            const result: unknown = migration(doc)
            // A migration that finds nothing to change still moves the version.
            doc.getMap(SCHEMA_ROOT).set('version', to)
            return result
          },
          schema: { from, to },
        }),
      )
      moved = true
    } catch (error) {
      const refusal = toWeftError(error)
      if (refusal.code !== 'SCHEMA_CONFLICT') throw refusal
      throw new WeftError('DOCUMENT_UNAVAILABLE', `${quoteName(document.name)} is being migrated`, {
        retryAfterMs: 500,
      })
    }
  }
}

/** The version stands in the document too, for whoever has nothing but its content. */
const SCHEMA_ROOT = '~schema'
