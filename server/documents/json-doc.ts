/** JSON into shared types: what a document of this content would have been made of. */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import type { Json } from './doc-json.ts'

type JsonObject = { readonly [key: string]: Json }

/** Deeper content would overflow the stack of whoever reads it. */
const DEPTH_MAX = 64

/**
 * Fills root types that are still empty: a string makes a text; a list of nodes, as ProseMirror and
 * Tiptap write them, a fragment; another list an array; an object a map. What is inside becomes
 * shared too: objects maps, lists arrays; strings and numbers are values.
 */
export function fillDoc(doc: Y.Doc, content: JsonObject): void {
  for (const [root, value] of Object.entries(content)) fillRoot(doc, root, value)
}

export function fillRoot(doc: Y.Doc, root: string, value: Json): void {
  if (typeof value === 'string') doc.getText(root).insert(0, value)
  else if (isNodeList(value)) doc.getXmlFragment(root).insert(0, value.map(nodeOf))
  else if (isList(value))
    doc.getArray(root).insert(
      0,
      value.map(item => sharedValue(item)),
    )
  else if (isObject(value)) fillMap(doc.getMap(root), value, 1)
  else throw new WeftError('REQUEST_INVALID', `"${root}": a root is text, list or object`)
}

/** A value for a map or an array; a new shared type for lists and objects. */
export function sharedValue(value: Json, depth = 1): unknown {
  if (depth > DEPTH_MAX) {
    throw new WeftError('REQUEST_INVALID', `content nested deeper than ${DEPTH_MAX} levels`)
  }
  if (isList(value)) {
    const list = new Y.Array()
    list.push(value.map(item => sharedValue(item, depth + 1)))
    return list
  }
  if (isObject(value)) {
    const map = new Y.Map()
    fillMap(map, value, depth + 1)
    return map
  }
  return value
}

function fillMap(map: Y.Map<unknown>, value: JsonObject, depth: number): void {
  for (const [key, item] of Object.entries(value)) map.set(key, sharedValue(item, depth))
}

export type TextNode = { readonly type: 'text'; readonly text: string; readonly marks?: Json }
export type ElementNode = {
  readonly type: string
  readonly attrs?: JsonObject
  readonly content?: readonly Json[]
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** Not empty, and all of its items look like nodes of a rich text. */
export function isNodeList(value: Json | undefined): value is readonly JsonObject[] {
  return isList(value) && value.length > 0 && value.every(isNode)
}

function isNode(value: Json): value is JsonObject {
  if (!isObject(value) || typeof value['type'] !== 'string') return false
  const keys = Object.keys(value)
  if (value['type'] === 'text') return typeof value['text'] === 'string'
  const isPlain = keys.every(key => key === 'type' || key === 'attrs' || key === 'content')
  const content = value['content']
  return isPlain && (content === undefined || (isList(content) && content.every(isNode)))
}

/** One element or run of text. Throws REQUEST_INVALID beyond the depth that readers can take. */
export function nodeOf(node: JsonObject, depth = 1): Y.XmlElement | Y.XmlText {
  if (depth > DEPTH_MAX) {
    throw new WeftError('REQUEST_INVALID', `nodes nested deeper than ${DEPTH_MAX} levels`)
  }
  if (node['type'] === 'text') return textOf([node as TextNode])
  const { type, attrs = {}, content = [] } = node as ElementNode
  const element = new Y.XmlElement(type)
  for (const [key, value] of Object.entries(attrs)) element.setAttribute(key, value as never)
  const children = joinTexts(content as readonly JsonObject[])
  element.insert(
    0,
    children.map(child =>
      isList(child) ? textOf(child as readonly TextNode[]) : nodeOf(child, depth + 1),
    ),
  )
  return element
}

/** Neighbouring runs of text are one shared text with formats. */
export function joinTexts(
  content: readonly JsonObject[],
): readonly (JsonObject | readonly JsonObject[])[] {
  const joined: (JsonObject | JsonObject[])[] = []
  for (const node of content) {
    const last = joined.at(-1)
    if (node['type'] !== 'text') joined.push(node)
    else if (Array.isArray(last)) last.push(node)
    else joined.push([node])
  }
  return joined
}

function textOf(runs: readonly TextNode[]): Y.XmlText {
  const text = new Y.XmlText()
  text.applyDelta(
    runs.map(run => {
      const attributes = marksOf(run)
      return Object.keys(attributes).length === 0
        ? { insert: run.text }
        : { insert: run.text, attributes }
    }),
  )
  return text
}

/** Marks as a Yjs format: `{ bold: {}, link: { href } }`. */
export function marksOf({ marks }: { readonly marks?: Json }): Record<string, Json> {
  if (!isList(marks)) return {}
  return Object.fromEntries(
    marks.flatMap(mark =>
      isObject(mark) && typeof mark['type'] === 'string'
        ? [[mark['type'], mark['attrs'] ?? {}]]
        : [],
    ),
  )
}
