/**
 * Where the structs of an update will stand, before it is applied: found as Yjs finds it, by
 * look-ups in the document and in the update itself. Nothing is changed.
 */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'

export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>
type Struct = DecodedUpdate['structs'][number]
/** Compared by identity. */
export type SharedType = Pick<Y.AbstractType<never>, '_item' | '_map' | '_start'>

/**
 * The list or map entry that an item stands in; a root type that the document does not have yet is
 * its name. `null` where it does not matter any more: Yjs will keep nothing of it but its length.
 */
export type Place = { readonly parent: SharedType | string; readonly key: string | null } | null

export class UpdatePlaces {
  readonly #doc: Y.Doc
  readonly #fresh = new Map<number, Struct[]>()
  readonly #places = new Map<Y.Item, Place>()
  /** The items of this update that hold the types of this update. */
  readonly #holders = new Map<SharedType, Y.Item>()

  constructor(doc: Y.Doc, structs: readonly Struct[]) {
    this.#doc = doc
    for (const struct of structs) {
      const own = this.#fresh.get(struct.id.client)
      if (own === undefined) this.#fresh.set(struct.id.client, [struct])
      else own.push(struct)
    }
  }

  /**
   * The place of an item of the update. Throws UPDATE_INVALID. Without recursion: the items of an
   * update can lean on each other in one long row.
   */
  placeOf(start: Y.Item): Place {
    const stack = [start]
    const waiting = new Set<Y.Item>()
    for (let item = stack.at(-1); item !== undefined; item = stack.at(-1)) {
      if (this.#places.has(item)) {
        stack.pop()
        continue
      }
      const open = this.#dependencies(item).filter(one => !this.#places.has(one))
      if (open.length === 0) {
        this.#places.set(item, this.#resolve(item))
        stack.pop()
        continue
      }
      if (waiting.has(item)) throw invalid('items that lean on each other in a circle')
      waiting.add(item)
      stack.push(...open)
    }
    return this.#places.get(start) ?? null
  }

  /** Items of this update whose places have to be known first. */
  #dependencies(item: Y.Item): Y.Item[] {
    const parent = item.parent instanceof Y.ID ? item.parent : null
    return [item.origin, item.rightOrigin, parent].flatMap(id => {
      const found = id === null ? undefined : this.#find(id)
      return found instanceof Y.Item && !this.isKnown(found) ? [found] : []
    })
  }

  #resolve(item: Y.Item): Place {
    const left = this.neighbour(item.origin)
    const right = this.neighbour(item.rightOrigin)
    if (left !== undefined && right !== undefined) {
      if (left === null || right === null) return null
      if (!isSamePlace(left, right)) {
        throw invalid('an item between two that do not stand in the same place')
      }
      return left
    }
    const beside = left === undefined ? right : left
    if (beside !== undefined) return beside
    return this.#ownPlace(item)
  }

  /** The place of what an item leans on; undefined when there is none on that side. */
  neighbour(id: Y.ID | null): Place | undefined {
    if (id === null) return undefined
    const found = this.#find(id)
    if (!(found instanceof Y.Item)) return null
    if (!this.isKnown(found)) return this.#places.get(found) ?? null
    const parent = found.parent as SharedType | null
    return parent === null ? null : { parent, key: found.parentSub }
  }

  #ownPlace({ parent, parentSub }: Y.Item): Place {
    if (typeof parent === 'string') {
      return { parent: this.#doc.share.get(parent) ?? parent, key: parentSub }
    }
    if (!(parent instanceof Y.ID)) return null
    const holder = this.#find(parent)
    if (!(holder instanceof Y.Item)) return null
    if (holder.content instanceof Y.ContentDeleted) return null
    if (!(holder.content instanceof Y.ContentType)) throw invalid('a parent that is no type')
    if (!this.isKnown(holder)) this.#holders.set(holder.content.type, holder)
    return { parent: holder.content.type, key: parentSub }
  }

  /** Is all of it in the document already? */
  isKnown({ id, length }: Struct): boolean {
    return id.clock + length <= Y.getState(this.#doc.store, id.client)
  }

  /** The item of this update that holds a type of this update; it has been asked for its place. */
  holderOf(type: SharedType): Y.Item | undefined {
    return this.#holders.get(type)
  }

  /** Undefined for what is no root type of the document. */
  rootNameOf(type: SharedType): string | undefined {
    for (const [name, root] of this.#doc.share) if (root === type) return name
    return undefined
  }

  #find(id: Y.ID): Struct | undefined {
    const { store } = this.#doc
    if (id.clock < Y.getState(store, id.client)) return Y.getItem(store, id)
    return findIn(this.#fresh.get(id.client) ?? [], id.clock)
  }
}

/** Nothing is known of what was collected: it fits anywhere. */
export function isSamePlace(a: Place | undefined, b: Place | undefined): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return true
  return a.parent === b.parent && a.key === b.key
}

/** The struct that holds the clock; they lie in ascending order. */
function findIn(structs: readonly Struct[], clock: number): Struct | undefined {
  let [low, high] = [0, structs.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const struct = structs[middle]
    if (struct === undefined) return undefined
    if (clock < struct.id.clock) high = middle - 1
    else if (clock >= struct.id.clock + struct.length) low = middle + 1
    else return struct
  }
  return undefined
}

function invalid(sentence: string): WeftError {
  return new WeftError('UPDATE_INVALID', sentence)
}
