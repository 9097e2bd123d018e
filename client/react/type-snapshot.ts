/** A shared type as plain data: what has not changed is the same object as before. */
import * as Y from 'yjs'
import type { Readable } from '../sdk/index.ts'

type AnyType = Y.AbstractType<Y.YEvent<Y.AbstractType<unknown>>>

/** Watched for as long as their document lives: what is kept here is always what is there. */
const known = new WeakMap<object, Readable<unknown>>()
const kept = new WeakMap<object, unknown>()

/**
 * `type` is a shared type of Yjs, of any kind. Shared types inside come as data too; texts as
 * strings.
 */
export function typeSnapshot(type: object): Readable<unknown> {
  const source = known.get(type) ?? createSource(type as AnyType)
  known.set(type, source)
  return source
}

function createSource(type: AnyType): Readable<unknown> {
  type.observeDeep(events => {
    for (const { target } of events) forgetUpTo(target as AnyType, type)
  })
  return {
    get: () => read(type),
    subscribe(listener) {
      // One call for each transaction, however much is in it.
      type.observeDeep(listener)
      return () => type.unobserveDeep(listener)
    },
  }
}

function forgetUpTo(target: AnyType, root: AnyType): void {
  for (let at: AnyType | null = target; at !== null; at = at.parent as AnyType | null) {
    kept.delete(at)
    if (at === root) return
  }
}

function read(value: unknown): unknown {
  if (!(value instanceof Y.AbstractType)) return value
  if (kept.has(value)) return kept.get(value)
  const data = toData(value)
  kept.set(value, data)
  return data
}

function toData(type: Y.AbstractType<unknown>): unknown {
  if (type instanceof Y.Map) {
    return Object.fromEntries(Array.from(type.entries(), ([key, value]) => [key, read(value)]))
  }
  if (type instanceof Y.Array) return type.toArray().map(read)
  // Texts and XML have an end of their own.
  return String(type)
}
