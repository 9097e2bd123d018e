/** Turns one text into another by inserting and deleting only what differs. */
import { diffArrays } from 'diff'
import type * as Y from 'yjs'
import type { Json } from './doc-json.ts'

export type Attributes = { readonly [mark: string]: Json }

/** A stretch of text with the same formats. */
export type TextRun = { readonly text: string; readonly attributes: Attributes }

type Delta = { readonly insert: unknown; readonly attributes?: Attributes }

/** Above it the search for the smallest difference gives up; then the middle is replaced. */
const EDITS_MAX = 2_000

/** Formats and embedded objects around what changes stay as they are. */
export function reconcileText(text: Y.Text, wanted: string): void {
  const { shown, indexOf } = readText(text)
  // From the end, so that what was computed for the front stays true.
  for (const { at, removed, inserted } of differences(shown, wanted).toReversed()) {
    const from = indexOf(at)
    if (removed > 0) text.delete(from, indexOf(at + removed) - from)
    if (inserted !== '') text.insert(from, inserted)
  }
}

/** Text and formats; the text must hold no embedded objects. */
export function reconcileRuns(text: Y.Text, wanted: readonly TextRun[]): void {
  reconcileText(text, wanted.map(run => run.text).join(''))
  let index = 0
  for (const run of wanted) {
    formatRun(text, { from: index, length: run.text.length, attributes: run.attributes })
    index += run.text.length
  }
}

type Stretch = { readonly from: number; readonly length: number; readonly attributes: Attributes }

/** Sets what is missing and takes off what is too much, where it is so and nowhere else. */
function formatRun(text: Y.Text, { from, length, attributes }: Stretch): void {
  let at = 0
  for (const { insert, attributes: present = {} } of text.toDelta() as Delta[]) {
    const size = typeof insert === 'string' ? insert.length : 1
    const start = Math.max(at, from)
    const end = Math.min(at + size, from + length)
    at += size
    if (start >= end) continue
    const change = formatChange(present, attributes)
    if (Object.keys(change).length > 0) text.format(start, end - start, change)
  }
}

function formatChange(present: Attributes, wanted: Attributes): Record<string, Json> {
  const change: Record<string, Json> = {}
  for (const mark of Object.keys(present)) if (!Object.hasOwn(wanted, mark)) change[mark] = null
  for (const [mark, value] of Object.entries(wanted)) {
    if (!isSameMark(present[mark], value)) change[mark] = value
  }
  return change
}

/** A mark without attributes is written as `{}`, `true` or whatever an editor likes. */
function isSameMark(present: Json | undefined, wanted: Json): boolean {
  if (present === undefined) return false
  const isPlain =
    JSON.stringify(wanted) === '{}' && (typeof present !== 'object' || present === null)
  return isPlain || JSON.stringify(present) === JSON.stringify(wanted)
}

/** The text without embedded objects, and where each of its places is in the shared type. */
export function readText(text: Y.Text): {
  readonly shown: string
  readonly indexOf: (at: number) => number
} {
  let shown = ''
  const embeds: number[] = []
  for (const { insert } of text.toDelta() as Delta[]) {
    if (typeof insert === 'string') shown += insert
    else embeds.push(shown.length)
  }
  return { shown, indexOf: at => at + embeds.filter(place => place < at).length }
}

type Difference = { readonly at: number; readonly removed: number; readonly inserted: string }

/** Positions are in `before`, ascending. */
export function differences(before: string, after: string): readonly Difference[] {
  const head = commonHead(before, after)
  const tail = commonTail(before.slice(head), after.slice(head))
  const [old, fresh] = [
    before.slice(head, before.length - tail),
    after.slice(head, after.length - tail),
  ]
  if (old === '' && fresh === '') return []
  // By characters as people see them: half of a surrogate pair is no character.
  const parts =
    old === '' || fresh === ''
      ? undefined
      : diffArrays(Array.from(old), Array.from(fresh), { maxEditLength: EDITS_MAX })
  if (parts === undefined) return [{ at: head, removed: old.length, inserted: fresh }]
  const found: Difference[] = []
  let at = head
  for (const { value, added, removed } of parts) {
    const piece = value.join('')
    const last = found.at(-1)
    const joins = last !== undefined && last.at + last.removed === at
    if (added) {
      if (joins) found[found.length - 1] = { ...last, inserted: last.inserted + piece }
      else found.push({ at, removed: 0, inserted: piece })
      continue
    }
    if (removed) {
      if (joins) found[found.length - 1] = { ...last, removed: last.removed + piece.length }
      else found.push({ at, removed: piece.length, inserted: '' })
    }
    at += piece.length
  }
  return found
}

function commonHead(a: string, b: string): number {
  let length = 0
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length += 1
  // Not between the two halves of a character.
  return length > 0 && isHighSurrogate(a, length - 1) ? length - 1 : length
}

function commonTail(a: string, b: string): number {
  let length = 0
  const max = Math.min(a.length, b.length)
  while (length < max && a[a.length - 1 - length] === b[b.length - 1 - length]) length += 1
  return length > 0 && isLowSurrogate(a, a.length - length) ? length - 1 : length
}

function isHighSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code <= 0xdbff
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}
