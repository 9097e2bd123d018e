/** The server cannot start, and the operator can do something about it: a sentence says what. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
