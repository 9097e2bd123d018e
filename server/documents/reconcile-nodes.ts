/** Rich text: brings the children of a fragment or element to the wanted nodes. */
import { diffArrays } from 'diff'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { docNodeToJson, type Json } from './doc-json.ts'
import { isList, isObject, joinTexts, marksOf, nodeOf, type TextNode } from './json-doc.ts'
import { reconcileRuns } from './reconcile-text.ts'

type JsonObject = { readonly [key: string]: Json }
/** A child as JSON: an element, or the runs of one shared text. */
type Child = JsonObject | readonly JsonObject[]
type Parent = Y.XmlFragment | Y.XmlElement

export function reconcileNodes(parent: Parent, nodes: readonly JsonObject[]): void {
  const wanted = joinTexts(nodes)
  const present = parent.toArray().map(child => childToJson(child))
  let index = 0
  let removed = 0
  let next = 0
  for (const part of diffArrays(present.map(keyOf), wanted.map(keyOf))) {
    if (part.removed) {
      removed = part.count
      continue
    }
    if (part.added) {
      const children = wanted.slice(next, next + part.count)
      replaceRun(parent, { index, removed, children })
      removed = 0
    } else if (removed > 0) {
      parent.delete(index, removed)
      removed = 0
    }
    index += part.count
    next += part.count
  }
  if (removed > 0) parent.delete(index, removed)
}

type Run = { readonly index: number; readonly removed: number; readonly children: readonly Child[] }

/** What is of the same kind becomes the wanted node; cursors and comments on it keep their place. */
function replaceRun(parent: Parent, { index, removed, children }: Run): void {
  let kept = 0
  while (kept < Math.min(removed, children.length)) {
    const child = children[kept]
    if (child === undefined || !become(parent.get(index + kept), child)) break
    kept += 1
  }
  if (removed > kept) parent.delete(index + kept, removed - kept)
  const fresh = children.slice(kept).map(child => freshNode(child))
  if (fresh.length > 0) parent.insert(index + kept, fresh)
}

function become(node: unknown, wanted: Child): boolean {
  if (node instanceof Y.XmlText) {
    if (!isRuns(wanted) || hasEmbeds(node)) return false
    reconcileRuns(node, wanted.map(runOf))
    return true
  }
  if (!(node instanceof Y.XmlElement) || isRuns(wanted) || node.nodeName !== wanted['type']) {
    return false
  }
  reconcileAttributes(node, isObject(wanted['attrs']) ? wanted['attrs'] : {})
  const content = wanted['content']
  reconcileNodes(node, isList(content) ? (content as readonly JsonObject[]) : [])
  return true
}

function reconcileAttributes(element: Y.XmlElement, wanted: JsonObject): void {
  const present = element.getAttributes() as Record<string, unknown>
  for (const name of Object.keys(present)) {
    if (!Object.hasOwn(wanted, name)) element.removeAttribute(name)
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (JSON.stringify(present[name]) !== JSON.stringify(value)) {
      element.setAttribute(name, value as never)
    }
  }
}

function freshNode(child: Child): Y.XmlElement | Y.XmlText {
  if (!isRuns(child)) return nodeOf(child)
  const text = new Y.XmlText()
  text.applyDelta(
    child
      .map(runOf)
      .map(({ text: insert, attributes }) =>
        Object.keys(attributes).length === 0 ? { insert } : { insert, attributes },
      ),
  )
  return text
}

function runOf(node: JsonObject) {
  if (typeof node['text'] !== 'string') {
    throw new WeftError('REQUEST_INVALID', 'a text node without text')
  }
  return { text: node['text'], attributes: marksOf(node as TextNode) }
}

function isRuns(child: Child): child is readonly JsonObject[] {
  return Array.isArray(child)
}

function hasEmbeds(text: Y.XmlText): boolean {
  return (text.toDelta() as { insert: unknown }[]).some(({ insert }) => typeof insert !== 'string')
}

function childToJson(child: unknown): Child {
  const nodes = docNodeToJson(child) as readonly JsonObject[]
  return child instanceof Y.XmlText ? nodes : (nodes[0] ?? {})
}

function keyOf(child: Child): string {
  return JSON.stringify(child)
}
