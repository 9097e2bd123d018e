/** Rich text: brings the children of a fragment or element to the wanted nodes. */
import { diffArrays } from 'diff'
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { likenessOfText, replaceRun } from './align.ts'
import { docNodeToJson, type Json } from './doc-json.ts'
import { isList, isObject, joinTexts, marksOf, nodeOf } from './json-doc.ts'
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
  let old = 0
  for (const part of diffArrays(present.map(keyOf), wanted.map(keyOf))) {
    if (part.removed) {
      removed = part.count
      old += part.count
      continue
    }
    if (part.added) {
      replaceChildren(parent, {
        index,
        old: present.slice(old - removed, old),
        children: wanted.slice(next, next + part.count),
      })
      removed = 0
    } else if (removed > 0) {
      parent.delete(index, removed)
      removed = 0
    }
    if (!part.added) old += part.count
    index += part.count
    next += part.count
  }
  if (removed > 0) parent.delete(index, removed)
}

type Run = {
  readonly index: number
  readonly old: readonly Child[]
  readonly children: readonly Child[]
}

/** What is of the same kind becomes the wanted node; cursors and comments on it keep their place. */
function replaceChildren(parent: Parent, { index, old, children }: Run): void {
  const nodes = parent.toArray().slice(index, index + old.length)
  replaceRun({
    index,
    removed: old.length,
    added: children.length,
    likeness: (i, j) => likeness({ node: nodes[i], old: old[i] ?? {}, wanted: children[j] ?? {} }),
    remove: (at, count) => parent.delete(at, count),
    insert: (at, from, count) =>
      parent.insert(at, children.slice(from, from + count).map(freshNode)),
    become: (at, j) => become(parent.get(at), children[j] ?? {}),
  })
}

type Meeting = { readonly node: unknown; readonly old: Child; readonly wanted: Child }

function likeness({ node, old, wanted }: Meeting): number {
  if (kindOf(old) !== kindOf(wanted)) return 0
  if (node instanceof Y.XmlText && hasEmbeds(node)) return 0
  return likenessOfText(keyOf(old), keyOf(wanted))
}

function kindOf(child: Child): string {
  return isRuns(child) ? '' : String(child['type'])
}

function become(node: unknown, wanted: Child): void {
  if (node instanceof Y.XmlText && isRuns(wanted)) return reconcileRuns(node, wanted.map(runOf))
  if (!(node instanceof Y.XmlElement) || isRuns(wanted)) return
  reconcileAttributes(node, isObject(wanted['attrs']) ? wanted['attrs'] : {})
  const content = wanted['content']
  reconcileNodes(node, isList(content) ? (content as readonly JsonObject[]) : [])
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
  return { text: node['text'], attributes: marksOf(node) }
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
