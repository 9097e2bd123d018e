/** Brings a shared type to a wanted JSON with as few changes as it takes: what stays equal stays. */
import { diffArrays } from 'diff'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { likenessOfText, replaceRun } from './align.ts'
import { docToJson, type Json } from './doc-json.ts'
import { fillRoot, isList, isNodeList, isObject, sharedValue } from './json-doc.ts'
import { reconcileNodes } from './reconcile-nodes.ts'
import { reconcileText } from './reconcile-text.ts'

type JsonObject = { readonly [key: string]: Json }

/**
 * Call it inside a transaction. Roots that are missing in `wanted` are emptied: Yjs cannot remove
 * them. Throws EDIT_CONFLICT when a root would have to become another kind of type.
 */
export function reconcileDoc(doc: Y.Doc, wanted: JsonObject): void {
  const current: JsonObject = docToJson(doc)
  for (const root of new Set([...Object.keys(current), ...Object.keys(wanted)])) {
    reconcileRoot(doc, root, { before: current[root], after: wanted[root] })
  }
}

type Change = { readonly before: Json | undefined; readonly after: Json | undefined }

function reconcileRoot(doc: Y.Doc, root: string, { before, after }: Change): void {
  if (isSame(before, after)) return
  if (isEmpty(before)) {
    if (!isEmpty(after) && after !== undefined) fillRoot(doc, root, after)
    return
  }
  if (typeof before === 'string') {
    if (after !== undefined && typeof after !== 'string') throw kindConflict(root, 'a text')
    return reconcileText(doc.getText(root), after ?? '')
  }
  if (isNodeList(before)) {
    if (after !== undefined && !isNodeList(after) && !isEmpty(after)) {
      throw kindConflict(root, 'rich text')
    }
    return reconcileNodes(doc.getXmlFragment(root), isNodeList(after) ? after : [])
  }
  if (isList(before)) {
    if (after !== undefined && !isList(after)) throw kindConflict(root, 'a list')
    return reconcileList(doc.getArray(root), after ?? [])
  }
  if (after !== undefined && !isObject(after)) throw kindConflict(root, 'an object')
  reconcileMap(doc.getMap(root), after ?? {})
}

function kindConflict(root: string, kind: string): WeftError {
  return new WeftError('EDIT_CONFLICT', `"${root}" is ${kind}, and stays one`)
}

function reconcileMap(map: Y.Map<unknown>, wanted: JsonObject): void {
  for (const key of Array.from(map.keys())) if (!Object.hasOwn(wanted, key)) map.delete(key)
  for (const [key, value] of Object.entries(wanted)) {
    const existing = map.get(key)
    if (map.has(key) && reconcileValue(existing, value)) continue
    map.set(key, sharedValue(value))
  }
}

function reconcileList(list: Y.Array<unknown>, wanted: readonly Json[]): void {
  const present = list.toArray()
  const keys = present.map(value => keyOf(plain(value)))
  let index = 0
  let removed = 0
  for (const part of diffArrays(keys, wanted.map(keyOf))) {
    if (part.removed) {
      removed = part.count
      continue
    }
    if (part.added) {
      const values = wanted.slice(index, index + part.count)
      replaceItems(list, { index, removed, values })
      index += part.count
      removed = 0
      continue
    }
    if (removed > 0) list.delete(index, removed)
    removed = 0
    index += part.count
  }
  if (removed > 0) list.delete(index, removed)
}

type Run = { readonly index: number; readonly removed: number; readonly values: readonly Json[] }

/** Items that can become what takes their place do; the rest is deleted and inserted. */
function replaceItems(list: Y.Array<unknown>, { index, removed, values }: Run): void {
  const items = list.slice(index, index + removed)
  const keys = items.map(item => keyOf(plain(item)))
  replaceRun({
    index,
    removed,
    added: values.length,
    likeness: (i, j) =>
      canBecome(items[i], values[j])
        ? likenessOfText(keys[i] ?? '', keyOf(values[j] ?? null)) +
          sameIdentity(items[i], values[j])
        : 0,
    remove: (at, count) => list.delete(at, count),
    insert: (at, from, count) =>
      list.insert(
        at,
        values.slice(from, from + count).map(value => sharedValue(value)),
      ),
    become: (at, j) => reconcileValue(list.get(at), values[j] ?? null),
  })
}

function canBecome(existing: unknown, wanted: Json | undefined): boolean {
  if (existing instanceof Y.Map) return isObject(wanted)
  if (existing instanceof Y.Array) return isList(wanted)
  return existing instanceof Y.Text && typeof wanted === 'string'
}

/** Objects that carry an id are the same one only when it is the same. */
function sameIdentity(existing: unknown, wanted: Json | undefined): number {
  if (!(existing instanceof Y.Map) || !isObject(wanted)) return 0
  const id = wanted['id']
  return id !== undefined && existing.get('id') === id ? 10 : 0
}

/** True when the existing value is, or was made to be, the wanted one. */
function reconcileValue(existing: unknown, wanted: Json): boolean {
  if (existing instanceof Y.Map && isObject(wanted)) {
    reconcileMap(existing as Y.Map<unknown>, wanted)
    return true
  }
  if (existing instanceof Y.Array && isList(wanted)) {
    reconcileList(existing as Y.Array<unknown>, wanted)
    return true
  }
  if (existing instanceof Y.XmlFragment) return isSame(plain(existing), wanted)
  if (existing instanceof Y.Text && typeof wanted === 'string') {
    reconcileText(existing, wanted)
    return true
  }
  return !(existing instanceof Y.AbstractType) && isSame(existing as Json, wanted)
}

function plain(value: unknown): Json {
  return (value instanceof Y.AbstractType ? value.toJSON() : value) as Json
}

function keyOf(value: Json): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner as Json)
      ? Object.fromEntries(Object.entries(inner as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

export function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return keyOf(a) === keyOf(b)
}

function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === '') return true
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0
}
