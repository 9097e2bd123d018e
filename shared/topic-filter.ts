/** Several patterns, asked again and again for the same few topics. */
import { matchesTopic } from './signals.ts'

/** Answers that are kept; those who make up topics without end make it forget. */
const KNOWN_MAX = 200

export class TopicFilter {
  #patterns: readonly string[] = []
  readonly #known = new Map<string, boolean>()

  /** These, and no others. */
  set(patterns: readonly string[]): void {
    this.#patterns = patterns
    this.#known.clear()
  }

  covers(topic: string): boolean {
    if (this.#patterns.length === 0) return false
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const covers = this.#patterns.some(pattern => matchesTopic(pattern, topic))
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(topic, covers)
    return covers
  }
}
