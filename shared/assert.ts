/** Checks that stop the program: a failed one is a bug of ours, never a user's bad input. */

/** Thrown when the code contradicts itself. Nothing catches it on purpose. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new AssertionError(sentence)
}

/** The last line of a `switch` over a union: a new member that nobody handles fails to compile. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
