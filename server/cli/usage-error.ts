/** The command was called wrongly: a sentence says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
