/** Follows a value that is found through another one: the awareness of a document, say. */
import type { Readable } from '../sdk/index.ts'

/**
 * `find` has to answer with the same object for the same value of `outer`; with null while there
 * is nothing to follow, and then `otherwise` is the value.
 */
export function nested<A, T>(
  outer: Readable<A>,
  find: (value: A) => Readable<T> | null,
  otherwise: T,
): Readable<T> {
  return {
    get: () => (find(outer.get()) ?? { get: () => otherwise }).get(),
    subscribe(listener) {
      let followed: Readable<T> | null = null
      let stop = () => {}
      const follow = () => {
        const next = find(outer.get())
        if (next === followed) return
        stop()
        followed = next
        stop = next?.subscribe(listener) ?? (() => {})
        listener()
      }
      const stopOuter = outer.subscribe(follow)
      follow()
      return () => {
        stopOuter()
        stop()
      }
    },
  }
}
