/**
 * Does an update make sense inside? Yjs believes what it reads: an item whose neighbours lie in two
 * different types, or whose parent is no type, is integrated all the same, and later, when its
 * surroundings are deleted or the document is loaded again, something throws in the middle of a
 * transaction. No editor makes such updates; one forged update must not end a document.
 */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { checkRootItem, type Roots } from './roots-check.ts'

/** Shared types inside each other; observers are told on every level, so depth costs everybody. */
const TYPE_DEPTH_MAX = 200
/** Plain values inside each other: readers turn them into JSON, which is recursive. */
const VALUE_DEPTH_MAX = 64

type Decoded = ReturnType<typeof Y.decodeUpdate>
type Struct = Decoded['structs'][number]
/** Compared by identity; what it holds does not matter here. */
type SharedType = Pick<Y.AbstractType<never>, '_item'>

/** The list or map entry that an item stands in; `null` where it does not matter any more. */
type Place = { readonly parent: SharedType | string; readonly key: string | null } | null

/** Throws UPDATE_INVALID. Everything that the structs name must be there, or in the update. */
export function checkStructure(doc: Y.Doc, { structs, ds }: Decoded, roots?: Roots): void {
  const check = new StructureCheck(doc, structs, roots)
  for (const struct of structs) {
    if (struct instanceof Y.Item && check.isLongEntry(struct) && !isDeletedBy(ds, struct)) {
      throw invalid('an entry of a map that is more than one value')
    }
  }
}

class StructureCheck {
  readonly #doc: Y.Doc
  readonly #roots: Roots | undefined
  readonly #fresh = new Map<number, Struct[]>()
  readonly #places = new Map<Y.Item, Place>()
  /** The items of this update that hold the types of this update. */
  readonly #holders = new Map<SharedType, Y.Item>()

  constructor(doc: Y.Doc, structs: readonly Struct[], roots: Roots | undefined) {
    this.#doc = doc
    this.#roots = roots
    for (const struct of structs) {
      const own = this.#fresh.get(struct.id.client)
      if (own === undefined) this.#fresh.set(struct.id.client, [struct])
      else own.push(struct)
    }
  }

  /** Checks an item; true for an entry of a map that is longer than entries are while they live. */
  isLongEntry(item: Y.Item): boolean {
    const { client, clock } = item.id
    const known = Y.getState(this.#doc.store, client)
    if (clock + item.length <= known) return false
    if (item.origin !== null && Y.compareIDs(item.origin, item.rightOrigin)) {
      throw invalid('an item on both sides of the same one')
    }
    const place = this.#placeOf(item)
    // Its first part is here: Yjs puts the rest behind that, whatever the update says of it.
    if (clock < known && !isSamePlace(place, this.#neighbour(Y.createID(client, known - 1)))) {
      throw invalid('an item whose first part stands in another place')
    }
    if (item.rightOrigin !== null && place !== null && place.key !== null) {
      throw invalid('an entry of a map with something to its right')
    }
    this.#checkRoot(item, place)
    if (item.content instanceof Y.ContentType && this.#depth(place) >= TYPE_DEPTH_MAX) {
      throw invalid(`types nested deeper than ${TYPE_DEPTH_MAX} levels`)
    }
    return place !== null && place.key !== null && item.length > 1
  }

  #checkRoot(item: Y.Item, place: Place): void {
    if (this.#roots === undefined || place === null) return
    const { parent, key } = place
    const root = typeof parent === 'string' ? parent : this.#rootNameOf(parent)
    if (root !== undefined) checkRootItem(item, { root, key, roots: this.#roots })
  }

  #rootNameOf(type: SharedType): string | undefined {
    for (const [name, root] of this.#doc.share) if (root === type) return name
    return undefined
  }

  /** Without recursion: the items of an update can lean on each other in one long row. */
  #placeOf(start: Y.Item): Place {
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
      return found instanceof Y.Item && !this.#isIntegrated(found) ? [found] : []
    })
  }

  #resolve(item: Y.Item): Place {
    const left = this.#neighbour(item.origin)
    const right = this.#neighbour(item.rightOrigin)
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

  /** Undefined when there is none on that side. */
  #neighbour(id: Y.ID | null): Place | undefined {
    if (id === null) return undefined
    const found = this.#find(id)
    if (!(found instanceof Y.Item)) return null
    if (!this.#isIntegrated(found)) return this.#places.get(found) ?? null
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
    if (!this.#isIntegrated(holder)) this.#holders.set(holder.content.type, holder)
    return { parent: holder.content.type, key: parentSub }
  }

  #depth(place: Place): number {
    let depth = 0
    let parent = place?.parent
    while (parent !== undefined && typeof parent !== 'string' && depth <= TYPE_DEPTH_MAX) {
      depth += 1
      const { _item: item }: SharedType = parent
      const holder = this.#holders.get(parent)
      parent =
        holder === undefined
          ? (item?.parent as SharedType | undefined)
          : this.#places.get(holder)?.parent
    }
    return depth
  }

  #isIntegrated({ id }: Y.Item): boolean {
    return id.clock < Y.getState(this.#doc.store, id.client)
  }

  #find(id: Y.ID): Struct | undefined {
    const { store } = this.#doc
    if (id.clock < Y.getState(store, id.client)) return Y.getItem(store, id)
    return findIn(this.#fresh.get(id.client) ?? [], id.clock)
  }
}

/** Nothing is known of what was collected: it fits anywhere. */
function isSamePlace(a: Place | undefined, b: Place | undefined): boolean {
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

/** Several deleted entries in a row can be one item; deleted before anybody sees them live. */
function isDeletedBy(ds: Decoded['ds'], { id, length, content }: Y.Item): boolean {
  if (content instanceof Y.ContentDeleted) return true
  const ranges = ds.clients.get(id.client) ?? []
  return ranges.some(({ clock, len }) => clock <= id.clock && id.clock + length <= clock + len)
}

/** Values that readers and writers of the content can take. Throws UPDATE_INVALID. */
export function checkContents({ structs }: Decoded): void {
  for (const struct of structs) if (struct instanceof Y.Item) checkContent(struct)
}

function checkContent({ content }: Y.Item): void {
  if (content instanceof Y.ContentAny || content instanceof Y.ContentJSON) {
    for (const value of content.arr as readonly unknown[]) checkDepth(value)
  } else if (content instanceof Y.ContentEmbed) checkDepth(content.embed)
  else if (content instanceof Y.ContentFormat) checkDepth(content.value)
  else if (content instanceof Y.ContentDoc) {
    if (typeof content.doc.guid !== 'string') throw invalid('a sub-document without an id')
    checkDepth(content.opts)
  }
}

/** Level by level: a check that called itself would fall over what it looks for. */
function checkDepth(value: unknown): void {
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > VALUE_DEPTH_MAX) {
      throw invalid(`a value nested deeper than ${VALUE_DEPTH_MAX} levels`)
    }
    level = level.flatMap(one => (isContainer(one) ? (Object.values(one) as unknown[]) : []))
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}

function invalid(sentence: string): WeftError {
  return new WeftError('UPDATE_INVALID', sentence)
}
