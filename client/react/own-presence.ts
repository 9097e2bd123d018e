/** What this window tells of itself: it outlives the awareness that it is told through. */
import type { Awareness } from 'y-protocols/awareness'
import type { DocumentState, Readable } from '../sdk/index.ts'

type Fields = { readonly [field: string]: unknown }

export class OwnPresence {
  #fields: Fields = {}
  #awareness: Awareness | null = null
  #stop = () => {}

  /** Tells it again through each awareness that the document has, one after the other. */
  follow(state: Readable<DocumentState>): void {
    const take = () => {
      const { awareness, closed } = state.get()
      if (closed || awareness === this.#awareness) return
      this.#awareness = awareness
      this.#tell(this.#fields)
    }
    this.#stop()
    this.#stop = state.subscribe(take)
    take()
  }

  unfollow(): void {
    this.#stop()
    this.#awareness = null
    this.#fields = {}
  }

  /** Fields that are `undefined` are taken back. What others would not see changed is not sent. */
  readonly set = (patch: Fields): void => {
    this.#fields = { ...this.#fields, ...patch }
    this.#tell(patch)
  }

  /** Only what nothing was said of yet. */
  setInitial(initial: Fields): void {
    const isNew = ([field]: [string, unknown]) => !(field in this.#fields)
    this.set(Object.fromEntries(Object.entries(initial).filter(isNew)))
  }

  #tell(patch: Fields): void {
    const awareness = this.#awareness
    if (awareness === null) return
    const before: Fields = awareness.getLocalState() ?? {}
    const changed = Object.entries(patch).filter(([field, value]) => before[field] !== value)
    if (changed.length === 0) return
    awareness.setLocalState({ ...before, ...Object.fromEntries(changed) })
  }
}
