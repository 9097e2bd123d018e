/** Where tokens come from: a fixed one, or a function that is asked on each connect. */
import { WeftError } from '../../shared/errors.ts'

export type TokenOption = string | (() => string | Promise<string>)

export class TokenSource {
  readonly #option: TokenOption
  #current: Promise<string> | undefined

  constructor(option: TokenOption) {
    this.#option = option
  }

  /**
   * The connection's token: asked for once, however many documents need it. Rejects with
   * TOKEN_MISSING when the application has none to give; it is asked anew then.
   */
  get(): Promise<string> {
    if (this.#current !== undefined) return this.#current
    const fetched = this.#fetch().catch((error: unknown) => {
      if (this.#current === fetched) this.forget()
      const reason = error instanceof Error ? error.message : String(error)
      throw new WeftError('TOKEN_MISSING', `no token: ${reason}`, { cause: error })
    })
    this.#current = fetched
    return fetched
  }

  /** The next {@link get} asks anew: the connection is another, or the token was refused. */
  forget(): void {
    this.#current = undefined
  }

  /**
   * A fresher token than this one, for a connection that goes on. Several documents ask at once, and
   * share the answer.
   */
  async renew(used: string): Promise<string> {
    const current = this.#current
    const isUsed = current === undefined || (await current) === used
    if (isUsed && this.#current === current) this.forget()
    return this.get()
  }

  async #fetch(): Promise<string> {
    const option = this.#option
    return typeof option === 'string' ? option : await option()
  }
}
