/** One answer from many: does this device keep what it should? */
import { Observable, type Readable } from '../observable.ts'
import type { PersistenceState, StorageProblem } from './storage-problem.ts'

export class StorageHealth {
  readonly #state = new Observable<PersistenceState>({ kind: 'ok' })
  readonly #problems = new Map<string, StorageProblem>()

  get state(): Readable<PersistenceState> {
    return this.#state
  }

  /** `of` is a document's name, or `''` for the store as a whole. */
  report(of: string, problem: StorageProblem | null): void {
    if (problem === null) this.#problems.delete(of)
    else this.#problems.set(of, problem)
    const [first] = this.#problems.values()
    const now = this.#state.get()
    if (first === undefined) {
      if (now.kind !== 'ok') this.#state.set({ kind: 'ok' })
    } else if (now.kind === 'ok' || now.reason !== first.reason || now.message !== first.message) {
      this.#state.set({ kind: 'degraded', ...first })
    }
  }
}
