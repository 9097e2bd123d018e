/** Edits of ranges of text, found by relative position or by the words that stand there. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { readText } from './reconcile-text.ts'

/** Where an edit happens: between two relative positions (base64), or at quoted words. */
export type TextRange =
  | { readonly from: string; readonly to?: string | undefined }
  | {
      /** Must stand there exactly once, with what comes before and after it where that is given. */
      readonly quote: string
      readonly prefix?: string | undefined
      readonly suffix?: string | undefined
      /** What happens to the words: by default they are replaced. */
      readonly where?: 'replace' | 'before' | 'after' | undefined
    }

export type TextEdit = {
  /** The root type to look in; for relative positions it is not needed. */
  readonly root?: string | undefined
  readonly at: TextRange
  /** What stands there afterwards; empty deletes. */
  readonly insert: string
}

/** Where the inserted text stands, as relative positions (base64) that later edits can use. */
export type EditedRange = { readonly from: string; readonly to: string }

type Place = { readonly text: Y.Text; readonly from: number; readonly length: number }

/**
 * Makes the edits one after the other, inside the caller's transaction. Throws EDIT_CONFLICT when
 * words are not there, or more than once, or a position is gone; REQUEST_INVALID for bad ones.
 */
export function editText(doc: Y.Doc, edits: readonly TextEdit[]): readonly EditedRange[] {
  return edits.map(edit => {
    const { text, from, length } = placeOf(doc, edit)
    if (length > 0) text.delete(from, length)
    if (edit.insert !== '') text.insert(from, edit.insert)
    return {
      from: encodePosition(text, from),
      to: encodePosition(text, from + edit.insert.length, -1),
    }
  })
}

function placeOf(doc: Y.Doc, { root, at }: TextEdit): Place {
  if ('from' in at) return placeOfPositions(doc, at)
  const { quote, prefix = '', suffix = '', where = 'replace' } = at
  if (root === undefined) throw new WeftError('REQUEST_INVALID', 'a quote needs its root')
  const found = textsOf(doc, root).flatMap(text => matchesIn(text, { quote, prefix, suffix }))
  const [match] = found
  if (match === undefined) throw new WeftError('EDIT_CONFLICT', 'the quoted words are not there')
  if (found.length > 1) {
    const sentence = `the quoted words are there ${found.length} times; give prefix and suffix`
    throw new WeftError('EDIT_CONFLICT', sentence)
  }
  if (where === 'before') return { ...match, length: 0 }
  if (where === 'after') return { ...match, from: match.from + match.length, length: 0 }
  return match
}

type Words = { readonly quote: string; readonly prefix: string; readonly suffix: string }

function matchesIn(text: Y.Text, { quote, prefix, suffix }: Words): readonly Place[] {
  const { shown, indexOf } = readText(text)
  const places: Place[] = []
  const needle = prefix + quote + suffix
  for (let at = shown.indexOf(needle); at !== -1; at = shown.indexOf(needle, at + 1)) {
    const start = at + prefix.length
    const from = indexOf(start)
    places.push({ text, from, length: indexOf(start + quote.length) - from })
    // One is an answer, two are a question, and nobody asks for the thousandth.
    if (places.length > 1) break
  }
  return places
}

/** Every text of a root, in reading order: the root itself, or those inside its nodes. */
function textsOf(doc: Y.Doc, root: string): readonly Y.Text[] {
  const type = doc.share.get(root)
  if (type === undefined) throw new WeftError('EDIT_CONFLICT', `there is no "${root}" to edit`)
  const isNodes = [...contentsOf(type)].some(content => content instanceof Y.ContentType)
  return isNodes ? textsIn(doc.getXmlFragment(root)) : [doc.getText(root)]
}

function* contentsOf(type: { readonly _start: Y.Item | null }): Iterable<Y.Item['content']> {
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted) yield item.content
  }
}

function textsIn(parent: Y.XmlFragment): readonly Y.Text[] {
  return parent
    .toArray()
    .flatMap(child =>
      child instanceof Y.XmlText ? [child] : child instanceof Y.XmlElement ? textsIn(child) : [],
    )
}

function placeOfPositions(
  doc: Y.Doc,
  { from, to = from }: { readonly from: string; readonly to?: string | undefined },
): Place {
  const [start, end] = [absolute(doc, from), absolute(doc, to)]
  if (start.text !== end.text || end.index < start.index) {
    throw new WeftError('EDIT_CONFLICT', 'the positions are not in order in one text')
  }
  return { text: start.text, from: start.index, length: end.index - start.index }
}

function absolute(doc: Y.Doc, encoded: string): { readonly text: Y.Text; readonly index: number } {
  const position = Y.createAbsolutePositionFromRelativePosition(decodePosition(encoded), doc)
  if (position === null) throw new WeftError('EDIT_CONFLICT', 'a position is not here any more')
  if (!(position.type instanceof Y.Text)) {
    throw new WeftError('EDIT_CONFLICT', 'a position is not in a text')
  }
  return { text: position.type, index: position.index }
}

function decodePosition(encoded: string): Y.RelativePosition {
  try {
    return Y.decodeRelativePosition(Uint8Array.from(Buffer.from(encoded, 'base64')))
  } catch (error) {
    const sentence = 'a position is not a relative position of Yjs, base64-encoded'
    throw new WeftError('REQUEST_INVALID', sentence, { cause: error })
  }
}

function encodePosition(text: Y.Text, index: number, association = 0): string {
  const position = Y.createRelativePositionFromTypeIndex(text, index, association)
  return Buffer.from(Y.encodeRelativePosition(position)).toString('base64')
}
