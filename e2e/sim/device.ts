/** A client's device: its copies outlive the tab, and writing one takes a while. */
import { integerBetween, type Random } from '../../shared/random.ts'
import { MemoryStore } from '../../client/sdk/offline/memory-store.ts'
import type { OfflineStore } from '../../client/sdk/offline/offline-store.ts'
import type { Schedule, Scope } from './schedule.ts'

export class Device {
  readonly #store = new MemoryStore()
  readonly #schedule: Schedule
  readonly #random: Random

  constructor(schedule: Schedule, random: Random) {
    this.#schedule = schedule
    this.#random = random
  }

  /** The store as one tab sees it: what was not carried out when the tab dies never will be. */
  mount(scope: Scope): OfflineStore {
    const store = this.#store
    const call = <T>(act: () => Promise<T>) => this.#call(scope, act)
    return {
      load: name => call(() => store.load(name)),
      begin: (ref, meta) => call(() => store.begin(ref, meta)),
      append: (ref, rows) => call(() => store.append(ref, rows)),
      markSaved: (ref, ids) => call(() => store.markSaved(ref, ids)),
      putMeta: (ref, meta) => call(() => store.putMeta(ref, meta)),
      join: (ref, join) => call(() => store.join(ref, join)),
      fold: (ref, fold) => call(() => store.fold(ref, fold)),
      list: () => call(() => store.list()),
      remove: (name, which) => call(() => store.remove(name, which)),
      setAside: (which, at) => call(() => store.setAside(which, at)),
      asides: () => call(() => store.asides()),
      removeAside: id => call(() => store.removeAside(id)),
      onLost: () => () => {},
      close: () => Promise.resolve(),
      destroy: () => call(() => store.destroy()),
    }
  }

  #call<T>(scope: Scope, act: () => Promise<T>): Promise<T> {
    const half = () => integerBetween(this.#random, 0, 3)
    return new Promise((resolve, reject) => {
      this.#schedule.after(scope, half(), () => {
        const acting = act()
        acting.catch(() => {})
        this.#schedule.after(scope, half(), () => void acting.then(resolve, reject))
      })
    })
  }
}
