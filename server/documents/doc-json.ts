/** A Y.Doc as JSON, for readers without Yjs. */
import * as Y from 'yjs'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/**
 * All root types by name. A document does not store what its roots are, only what is in them, so
 * the kind is read off the content: keyed entries make a map; text and formats a string; elements
 * and text blocks a list of nodes, as ProseMirror and Tiptap write them; anything else a list.
 */
export function docToJson(doc: Y.Doc): { readonly [root: string]: Json } {
  const roots = emptyRecord()
  for (const [name, type] of doc.share) roots[name] = rootToJson(type)
  return roots
}

/** Without a prototype, so that a root called `__proto__` is a key like any other. */
function emptyRecord(): { [key: string]: Json } {
  return Object.create(null) as { [key: string]: Json }
}

function rootToJson(type: SharedType): Json {
  if (type._map.size > 0) return mapToJson(type)
  const contents = contentsOf(type)
  if (
    contents.some(
      content => content instanceof Y.ContentString || content instanceof Y.ContentFormat,
    )
  ) {
    return textOf(contents)
  }
  const nodes = contents.filter(content => content instanceof Y.ContentType)
  if (nodes.length > 0 && nodes.every(({ type: node }) => isNode(node))) {
    return nodes.flatMap(({ type: node }) => nodeToJson(node))
  }
  return listToJson(contents)
}

type Content = Y.Item['content']

/** What every shared type is inside: a list of items, and keyed items. */
type SharedType = {
  readonly _start: Y.Item | null
  readonly _map: ReadonlyMap<string, Y.Item>
}

/** What is in a type, in order, without what was deleted. */
function contentsOf(type: SharedType): Content[] {
  const contents: Content[] = []
  for (let item = type._start; item !== null; item = item.right) {
    if (!item.deleted) contents.push(item.content)
  }
  return contents
}

function textOf(contents: readonly Content[]): string {
  return contents.map(content => (content instanceof Y.ContentString ? content.str : '')).join('')
}

function mapToJson(type: SharedType): Json {
  const record = emptyRecord()
  for (const [key, item] of type._map) {
    if (item.deleted) continue
    const value = item.content.getContent().at(-1) as unknown
    record[key] = valueToJson(value)
  }
  return record
}

function listToJson(contents: readonly Content[]): Json {
  return contents
    .filter(content => content.isCountable())
    .flatMap(content => content.getContent() as unknown[])
    .map(valueToJson)
}

function valueToJson(value: unknown): Json {
  if (value instanceof Y.Doc) return { guid: value.guid }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (!(value instanceof Y.AbstractType)) return plainValue(value)
  if (value instanceof Y.Map) return mapToJson(value)
  if (value instanceof Y.Array) return listToJson(contentsOf(value))
  if (isNode(value)) {
    const nodes = nodeToJson(value)
    return value instanceof Y.XmlElement ? (nodes[0] ?? null) : nodes
  }
  return textOf(contentsOf(value as SharedType))
}

/** JSON knows no whole numbers beyond 2^53: they become text, wherever they stand. */
function plainValue(value: unknown): Json {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value !== 'object' || value === null) return (value ?? null) as Json
  const record = emptyRecord()
  for (const [key, inner] of Object.entries(value)) record[key] = valueToJson(inner)
  return record
}

function isNode(type: unknown): boolean {
  return type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlFragment
}

function nodeToJson(node: SharedType): Json[] {
  if (node instanceof Y.XmlText) return textNodes(node)
  const children = contentsOf(node)
    .filter(content => content instanceof Y.ContentType)
    .flatMap(({ type }) => nodeToJson(type))
  if (!(node instanceof Y.XmlElement)) return children
  const attrs = node.getAttributes()
  return [
    {
      type: node.nodeName,
      ...(Object.keys(attrs).length > 0 ? { attrs: { ...attrs } } : {}),
      ...(children.length > 0 ? { content: children } : {}),
    },
  ]
}

/** One child of a rich text, as its list of nodes: one for an element, one a run for a text. */
export function docNodeToJson(node: unknown): readonly Json[] {
  return isNode(node) ? nodeToJson(node as SharedType) : []
}

type Delta = { readonly insert: unknown; readonly attributes?: { readonly [mark: string]: Json } }

function textNodes(text: Y.XmlText): Json[] {
  return (text.toDelta() as Delta[]).map(({ insert, attributes = {} }) => {
    const marks = Object.entries(attributes).map(([type, attrs]): Json =>
      typeof attrs === 'object' && attrs !== null && Object.keys(attrs).length > 0
        ? { type, attrs }
        : { type },
    )
    const shown = typeof insert === 'string' ? insert : valueToJson(insert)
    return { type: 'text', text: shown, ...(marks.length > 0 ? { marks } : {}) }
  })
}
