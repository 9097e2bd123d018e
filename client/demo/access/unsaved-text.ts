/** Finds what somebody wrote and the server does not have, so that they can take it elsewhere. */
import * as Y from 'yjs'
import { SHAPES } from '../board/board-pen.ts'
import { readShape } from '../board/shape.ts'
import { CODE } from '../space-index.ts'

/** How far each Yjs client's changes are known: its clock. */
export type Known = ReadonlyMap<number, number>

/** What a document holds, as far as another one goes. */
export function knownOf(doc: Y.Doc): Known {
  return Y.decodeStateVector(Y.encodeStateVector(doc))
}

/** The text of a page, of any kind, that was written beyond what is known: one line for each block. */
export function textBeyond(state: Uint8Array, known: Known): string {
  // A copy: looking at a past state splits what lies across it.
  const doc = new Y.Doc()
  Y.applyUpdate(doc, state)
  const now = Y.snapshot(doc)
  const before = Y.createSnapshot(Y.createDeleteSet(), new Map(known))
  const lines: string[] = []
  const visit = (node: unknown) => {
    if (node instanceof Y.XmlText) lines.push(addedText(node, now, before))
    else if (node instanceof Y.XmlFragment) for (const child of node.toArray()) visit(child)
  }
  visit(doc.getXmlFragment('body'))
  lines.push(addedText(doc.getText(CODE), now, before), ...addedNotes(doc.getMap(SHAPES), known))
  doc.destroy()
  return lines.filter(line => line.trim() !== '').join('\n')
}

type Piece = { readonly insert?: unknown; readonly attributes?: { readonly ychange?: Change } }
type Change = { readonly type?: string }

/** What those notes of a board say that were changed since then. */
function addedNotes(shapes: Y.Map<unknown>, known: Known): readonly string[] {
  return Array.from(shapes._map).flatMap(([id, { id: at, deleted }]) => {
    const isKnown = at.clock < (known.get(at.client) ?? 0)
    return deleted || isKnown ? [] : (readShape(id, shapes.get(id))?.text ?? [])
  })
}

function addedText(text: Y.Text, now: Y.Snapshot, before: Y.Snapshot): string {
  const pieces = text.toDelta(now, before) as readonly Piece[]
  return pieces
    .filter(({ attributes }) => attributes?.ychange?.type === 'added')
    .map(({ insert }) => (typeof insert === 'string' ? insert : ''))
    .join('')
}
