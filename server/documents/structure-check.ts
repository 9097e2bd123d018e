/**
 * Does an update make sense inside? Yjs believes what it reads: an item whose neighbours lie in two
 * different types, or whose parent is no type, is integrated all the same, and later, when its
 * surroundings are deleted or the document is loaded again, something throws in the middle of a
 * transaction. No editor makes such updates; one forged update must not end a document.
 */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { checkRootItem, type Roots } from './roots-check.ts'
import {
  isSamePlace,
  type DecodedUpdate,
  type Place,
  type SharedType,
  type UpdatePlaces,
} from './update-places.ts'

/** Shared types inside each other; observers are told on every level, so depth costs everybody. */
const TYPE_DEPTH_MAX = 200
/** Plain values inside each other: readers turn them into JSON, which is recursive. */
const VALUE_DEPTH_MAX = 64

/** Throws UPDATE_INVALID. Everything that the structs name must be there, or in the update. */
export function checkStructure(
  doc: Y.Doc,
  { structs, ds }: DecodedUpdate,
  { places, roots }: { readonly places: UpdatePlaces; readonly roots: Roots | undefined },
): void {
  const check = new StructureCheck(doc, places, roots)
  for (const struct of structs) {
    if (struct instanceof Y.Item && check.isLongEntry(struct) && !isDeletedBy(ds, struct)) {
      throw invalid('an entry of a map that is more than one value')
    }
  }
}

class StructureCheck {
  readonly #doc: Y.Doc
  readonly #roots: Roots | undefined
  readonly #places: UpdatePlaces

  constructor(doc: Y.Doc, places: UpdatePlaces, roots: Roots | undefined) {
    this.#doc = doc
    this.#places = places
    this.#roots = roots
  }

  /** Checks an item; true for an entry of a map that is longer than entries are while they live. */
  isLongEntry(item: Y.Item): boolean {
    const { client, clock } = item.id
    const known = Y.getState(this.#doc.store, client)
    if (clock + item.length <= known) return false
    if (item.origin !== null && Y.compareIDs(item.origin, item.rightOrigin)) {
      throw invalid('an item on both sides of the same one')
    }
    const place = this.#places.placeOf(item)
    // Its first part is here: Yjs puts the rest behind that, whatever the update says of it.
    if (
      clock < known &&
      !isSamePlace(place, this.#places.neighbour(Y.createID(client, known - 1)))
    ) {
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
    const root = typeof parent === 'string' ? parent : this.#places.rootNameOf(parent)
    if (root !== undefined) checkRootItem(item, { root, key, roots: this.#roots })
  }

  #depth(place: Place): number {
    let depth = 0
    let parent = place?.parent
    while (parent !== undefined && typeof parent !== 'string' && depth <= TYPE_DEPTH_MAX) {
      depth += 1
      const { _item: item }: SharedType = parent
      const holder = this.#places.holderOf(parent)
      parent =
        holder === undefined
          ? (item?.parent as SharedType | undefined)
          : this.#places.placeOf(holder)?.parent
    }
    return depth
  }
}

/** Several deleted entries in a row can be one item; deleted before anybody sees them live. */
function isDeletedBy(ds: DecodedUpdate['ds'], { id, length, content }: Y.Item): boolean {
  if (content instanceof Y.ContentDeleted) return true
  const ranges = ds.clients.get(id.client) ?? []
  return ranges.some(({ clock, len }) => clock <= id.clock && id.clock + length <= clock + len)
}

/** Values that readers and writers of the content can take. Throws UPDATE_INVALID. */
export function checkContents({ structs }: DecodedUpdate): void {
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
