/** Copies that were set aside and that the device would not take: in memory, until the page is gone. */
import type { AsideCopy } from './offline-store.ts'

export class UnstoredAsides {
  /** By life: what is written late for one takes the place of what was there. */
  readonly #copies = new Map<string, AsideCopy>()
  /** Below zero, where no store has its ids. */
  #nextId = -1

  put(copy: Omit<AsideCopy, 'id'>): void {
    const id = this.#copies.get(copy.life)?.id ?? this.#nextId--
    this.#copies.set(copy.life, { ...copy, id })
  }

  list(): readonly AsideCopy[] {
    return [...this.#copies.values()]
  }

  /** False when it is none of these. */
  remove(id: number): boolean {
    const found = this.list().find(copy => copy.id === id)
    return found !== undefined && this.#copies.delete(found.life)
  }
}
