/** What a new document begins with, as one checked update. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import type { Seed } from './document-hooks.ts'
import { fillDoc } from './json-doc.ts'
import { checkUpdate } from './update-check.ts'

export type SeedLimits = { readonly documentBytesMax: number }

/** Throws UPDATE_INVALID, DOCUMENT_TOO_LARGE or REQUEST_INVALID. */
export function encodeSeed(seed: Seed, { documentBytesMax }: SeedLimits): Uint8Array {
  const doc = new Y.Doc()
  try {
    if (seed instanceof Uint8Array) {
      const fit = checkUpdate(doc, seed, { kind: 'state', updateBytesMax: documentBytesMax })
      if (fit === 'gap') throw new WeftError('UPDATE_INVALID', 'the update is not a whole document')
      Y.applyUpdate(doc, seed)
    } else doc.transact(() => fillDoc(doc, seed))
    const update = Y.encodeStateAsUpdate(doc)
    if (update.byteLength <= documentBytesMax) return update
    const sentence = `a seed of ${update.byteLength} bytes; the limit is ${documentBytesMax}`
    throw new WeftError('DOCUMENT_TOO_LARGE', sentence)
  } finally {
    doc.destroy()
  }
}
