/** A copy that was set aside: what an editor still writes joins it, in the store or in memory. */
import type { LocalCopyOptions } from './local-copy.ts'
import { CopyGone, type CopyRef, type CopyRow } from './offline-store.ts'

export type AsideWriterOptions = Pick<
  LocalCopyOptions,
  'name' | 'store' | 'clock' | 'random' | 'source' | 'unstored'
> & { readonly incarnation: () => string | null }

export class AsideWriter {
  readonly #options: AsideWriterOptions
  #ref: CopyRef | undefined
  /** All of it is in the store. */
  #isStored = true

  constructor(options: AsideWriterOptions) {
    this.#options = options
  }

  /** From now on it is aside; `isWhole`: the store has all of it. */
  begin(ref: CopyRef | undefined, isWhole: boolean): void {
    this.#ref = ref
    this.#isStored = ref !== undefined && isWhole
    if (!this.#isStored) this.keepInMemory()
  }

  /** An editor holds on to the old document until it is told of the new one. Never rejects. */
  async add(rows: readonly CopyRow[]): Promise<void> {
    const ref = this.#ref
    if (ref === undefined || !this.#isStored) return this.keepInMemory()
    try {
      await this.#options.store.append(ref, rows)
    } catch (error) {
      // That it is aside by now is no failure: the rows have joined it there.
      if (!(error instanceof CopyGone) || error.fate !== 'aside') this.keepInMemory()
    }
  }

  /** The store has not all of it, and does not get the rest. */
  keepInMemory(): void {
    const { unstored, name, source, clock, random, incarnation } = this.#options
    this.#isStored = false
    this.#ref ??= { name, life: random.id() }
    unstored.put({
      name,
      life: this.#ref.life,
      incarnation: incarnation(),
      unsaved: source.unsavedAfter(0).length,
      at: clock.now(),
      state: source.encodeState(),
    })
  }
}
