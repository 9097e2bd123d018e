/**
 * Does an update of somebody who may only add, such as a commenter, leave alone what others wrote?
 * What is whose is told by the owners of Yjs client ids. He adds under root types and under types
 * that he made; what is overwritten or deleted has to be his, with all that is in it.
 */
import * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import type { Place, SharedType, UpdatePlaces } from './update-places.ts'

type KnownPlace = NonNullable<Place>

export type OwnCheckOptions = {
  /** Did the writer himself write what stands under this Yjs client id? */
  readonly isOwn: (clientId: number) => boolean
  /** A place, for people. */
  readonly nameOf: (place: KnownPlace) => string
}

export class OwnCheck {
  readonly #places: UpdatePlaces
  readonly #options: OwnCheckOptions
  /** Types that are his with all that is in them. */
  readonly #whole = new Set<SharedType>()

  constructor(places: UpdatePlaces, options: OwnCheckOptions) {
    this.#places = places
    this.#options = options
  }

  /** A new item. Throws PATH_FORBIDDEN when it is put into, around or over what is another's. */
  requireAddable(item: Y.Item, place: KnownPlace): void {
    const { parent, key } = place
    // A type of this update is his.
    if (typeof parent !== 'string' && this.#places.holderOf(parent) !== undefined) return
    const { _item: holder } = typeof parent === 'string' ? { _item: null } : parent
    if (holder !== null && !this.#options.isOwn(holder.id.client)) throw this.#refusal(place)
    // Marks change the looks of all that lies between them, whose it may be.
    if (holder === null && item.content instanceof Y.ContentFormat) throw this.#refusal(place)
    if (key === null || typeof parent === 'string') return
    // Whatever it leans on, as the newest it may become the value, and end this one.
    const current = parent._map.get(key)
    if (current !== undefined && !current.deleted) this.requireOwn(current)
  }

  /** An item of the document that goes. Throws PATH_FORBIDDEN unless all of it is his. */
  requireOwn(start: Y.Item): void {
    const open = [start]
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      if (item.deleted) continue
      if (!this.#options.isOwn(item.id.client)) {
        throw this.#refusal({ parent: item.parent as SharedType, key: item.parentSub })
      }
      if (!(item.content instanceof Y.ContentType) || this.#whole.has(item.content.type)) continue
      this.#whole.add(item.content.type)
      open.push(...childrenOf(item.content.type))
    }
  }

  #refusal(place: KnownPlace): WeftError {
    const sentence = `the update changes what others wrote in ${this.#options.nameOf(place)}`
    return new WeftError('PATH_FORBIDDEN', `${sentence}; allowed is what is the writer's own`)
  }
}

function* childrenOf(type: SharedType): Generator<Y.Item> {
  for (let item = type._start; item !== null; item = item.right) yield item
  yield* type._map.values()
}
