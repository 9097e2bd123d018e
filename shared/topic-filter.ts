/** Several patterns, asked for one topic after the other: whoever makes up topics makes it no slower. */

/** `*` alone. */
const EVERYTHING = '*'

type Wild = {
  readonly words: readonly string[]
  /** Its last `*` is for one word or more. */
  readonly isOpen: boolean
}

export class TopicFilter {
  #isAll = false
  #exact: ReadonlySet<string> = new Set()
  #wild: readonly Wild[] = []

  constructor(patterns: readonly string[] = []) {
    this.set(patterns)
  }

  /** These, and no others. */
  set(patterns: readonly string[]): void {
    const known = [...new Set(patterns)]
    this.#isAll = known.includes(EVERYTHING)
    this.#exact = new Set(known.filter(pattern => !pattern.includes('*')))
    this.#wild = known.filter(pattern => pattern.includes('*')).map(wildOf)
  }

  /** As `matchesTopic` answers, of any of them. */
  covers(topic: string): boolean {
    if (this.#isAll || this.#exact.has(topic)) return true
    if (this.#wild.length === 0) return false
    const words = topic.split('.')
    return this.#wild.some(pattern => isCovered(words, pattern))
  }
}

function wildOf(pattern: string): Wild {
  const words = pattern.split('.')
  return { words, isOpen: words.at(-1) === '*' }
}

/** From the end: what follows several `*` tells them apart. */
function isCovered(words: readonly string[], { words: wanted, isOpen }: Wild): boolean {
  if (isOpen ? words.length < wanted.length : words.length !== wanted.length) return false
  for (let i = wanted.length - 1; i >= 0; i--) {
    const word = wanted[i]
    if (word !== '*' && word !== words[i]) return false
  }
  return true
}
