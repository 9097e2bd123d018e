/**
 * Does an update keep to the places where its writer may write? Decided for every struct and every
 * deletion by look-ups in the document, after the check of its structure and before it is applied.
 * What Yjs keeps nothing of (structs without content, what leans on the collected, what is deleted
 * already) changes nothing, and may be anywhere: a copy that was offline hands such things over.
 */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import {
  coversPath,
  formatPath,
  parsePathPattern,
  type DocumentPath,
  type PathPattern,
} from '../../shared/path-pattern.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import { OwnCheck } from './own-check.ts'
import type { PlacedUpdate } from './update-check.ts'
import type { Place, SharedType, UpdatePlaces } from './update-places.ts'

export type PathCheckOptions = {
  readonly rule: WriteRule
  /** Did the writer himself write what stands under this Yjs client id? */
  readonly isOwn: (clientId: number) => boolean
}

/** Throws PATH_FORBIDDEN; the document is not touched. */
export function checkPaths(
  doc: Y.Doc,
  { decoded, places }: PlacedUpdate,
  { rule, isOwn }: PathCheckOptions,
): void {
  const paths = new PathCheck(places, rule.paths)
  const own = rule.own
    ? new OwnCheck(places, { isOwn, nameOf: place => paths.nameOf(place) })
    : null
  for (const struct of decoded.structs) {
    if (!(struct instanceof Y.Item) || places.isKnown(struct)) continue
    const place = places.placeOf(struct)
    if (place === null) continue
    paths.require(place)
    own?.requireAddable(struct, place)
  }
  for (const [client, ranges] of decoded.ds.clients) {
    for (const range of ranges) {
      // What the update itself brings has been looked at above.
      for (const item of liveItems(doc, client, range)) {
        paths.require({ parent: item.parent as SharedType, key: item.parentSub })
        own?.requireOwn(item)
      }
    }
  }
}

class PathCheck {
  readonly #places: UpdatePlaces
  readonly #allowed: readonly string[]
  readonly #patterns: readonly PathPattern[]
  /** Of types that have been looked at: the path; undefined for what Yjs will not keep. */
  readonly #paths = new Map<SharedType | string, DocumentPath | undefined>()
  /** Types that are covered with all that is in them. */
  readonly #covered = new Set<SharedType | string>()

  constructor(places: UpdatePlaces, allowed: readonly string[]) {
    this.#places = places
    this.#allowed = allowed
    this.#patterns = patternsOf(allowed)
  }

  require(place: NonNullable<Place>): void {
    const { parent, key } = place
    if (this.#covered.has(parent)) return
    const path = this.#pathOf(parent)
    if (path === undefined) return
    if (this.#isCovered(path)) {
      this.#covered.add(parent)
      return
    }
    if (key !== null && this.#isCovered([...path, key])) return
    const sentence = `the update touches ${this.nameOf(place)}`
    throw new WeftError('PATH_FORBIDDEN', `${sentence}; allowed is ${listed(this.#allowed)}`)
  }

  /** For people. */
  nameOf({ parent, key }: NonNullable<Place>): string {
    const path = this.#pathOf(parent) ?? []
    const whole = key === null ? path : [...path, key]
    // No more of each key than is shown: they may be megabytes.
    return quoteName(formatPath(whole.map(segment => segment.slice(0, 100))))
  }

  #isCovered(path: DocumentPath): boolean {
    return this.#patterns.some(pattern => coversPath(pattern, path))
  }

  /** Goes up level by level; how many there are is limited by the check of the structure. */
  #pathOf(type: SharedType | string): DocumentPath | undefined {
    if (typeof type === 'string') return [type]
    const found = this.#paths.get(type)
    if (found !== undefined || this.#paths.has(type)) return found
    const path = this.#readPath(type)
    this.#paths.set(type, path)
    return path
  }

  #readPath(type: SharedType): DocumentPath | undefined {
    const place = placeOfType(type, this.#places)
    if (place === 'root') {
      const name = this.#places.rootNameOf(type)
      // In no root: nothing that a pattern could cover.
      return name === undefined ? [] : [name]
    }
    if (place === null) return undefined
    const path = this.#pathOf(place.parent)
    return path === undefined || place.key === null ? path : [...path, place.key]
  }
}

function placeOfType(type: SharedType, places: UpdatePlaces): Place | 'root' {
  const holder = places.holderOf(type)
  if (holder !== undefined) return places.placeOf(holder)
  const { _item: item } = type
  if (item === null) return 'root'
  return { parent: item.parent as SharedType, key: item.parentSub }
}

/** The items in a range of clocks that are in the document and not deleted. */
function* liveItems(
  { store }: Y.Doc,
  client: number,
  { clock, len }: { readonly clock: number; readonly len: number },
): Generator<Y.Item> {
  const structs = store.clients.get(client)
  if (structs === undefined || clock >= Y.getState(store, client)) return
  for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
    const struct = structs[i]
    if (struct === undefined || struct.id.clock >= clock + len) return
    if (struct instanceof Y.Item && !struct.deleted) yield struct
  }
}

/** Of lists that are still in use: whoever writes is checked against the same one again. */
const parsed = new WeakMap<readonly string[], readonly PathPattern[]>()

function patternsOf(paths: readonly string[]): readonly PathPattern[] {
  const found = parsed.get(paths)
  if (found !== undefined) return found
  const patterns = paths.flatMap(path => {
    const pattern = parsePathPattern(path)
    return pattern === undefined ? [] : [pattern]
  })
  parsed.set(paths, patterns)
  return patterns
}

/** As many as a sentence can hold. */
const LISTED_MAX = 10

function listed(paths: readonly string[]): string {
  if (paths.length === 0) return 'nothing'
  const some = paths.slice(0, LISTED_MAX).map(quoteName).join(', ')
  return paths.length > LISTED_MAX ? `${some} and ${paths.length - LISTED_MAX} more` : some
}
