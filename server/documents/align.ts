/** Which of the things that go become which of the things that come, in order. */

/** Beyond it the pairs are taken as they stand: the search costs the product of the two. */
const PAIRS_MAX = 10_000

export type Pair = { readonly removed: number; readonly added: number }

/**
 * The pairs, ascending on both sides, that have the most in common together. `likeness` is 0 for
 * two that cannot become each other.
 */
export function align(
  removedCount: number,
  addedCount: number,
  likeness: (removed: number, added: number) => number,
): readonly Pair[] {
  if (removedCount * addedCount > PAIRS_MAX) {
    return Array.from({ length: Math.min(removedCount, addedCount) }, (_, i) => ({
      removed: i,
      added: i,
    })).filter(pair => likeness(pair.removed, pair.added) > 0)
  }
  // best[i][j]: the most that the first i and the first j have in common.
  const best = Array.from({ length: removedCount + 1 }, () => new Float64Array(addedCount + 1))
  const at = (i: number, j: number) => best[i]?.[j] ?? 0
  for (let i = 1; i <= removedCount; i++) {
    for (let j = 1; j <= addedCount; j++) {
      const together = likeness(i - 1, j - 1)
      const paired = together > 0 ? at(i - 1, j - 1) + together : 0
      best[i]?.fill(Math.max(paired, at(i - 1, j), at(i, j - 1)), j, j + 1)
    }
  }
  const pairs: Pair[] = []
  for (let [i, j] = [removedCount, addedCount]; i > 0 && j > 0;) {
    if (at(i, j) === at(i - 1, j)) i -= 1
    else if (at(i, j) === at(i, j - 1)) j -= 1
    else pairs.push({ removed: --i, added: --j })
  }
  return pairs.reverse()
}

/** How much of two texts is the same at their ends; above 0, so that any pair beats none. */
export function likenessOfText(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let head = 0
  while (head < shorter && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1
  return 0.01 + (head + tail) / (Math.max(a.length, b.length) + 1)
}

export type Replacement = {
  readonly index: number
  readonly removed: number
  readonly added: number
  readonly likeness: (removed: number, added: number) => number
  readonly remove: (index: number, count: number) => void
  readonly insert: (index: number, added: number, count: number) => void
  readonly become: (index: number, added: number) => void
}

/** Replaces one run by another, from left to right. */
export function replaceRun(run: Replacement): void {
  const { remove, insert, become } = run
  let { index } = run
  let [i, j] = [0, 0]
  const pairs = align(run.removed, run.added, run.likeness)
  for (const pair of [...pairs, { removed: run.removed, added: run.added }]) {
    if (pair.removed > i) remove(index, pair.removed - i)
    if (pair.added > j) {
      insert(index, j, pair.added - j)
      index += pair.added - j
    }
    if (pair.added === run.added) break
    become(index, pair.added)
    index += 1
    i = pair.removed + 1
    j = pair.added + 1
  }
}
