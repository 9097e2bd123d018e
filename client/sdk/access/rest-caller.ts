/** Questions to the REST side of the same server, with the client's token. */
import { isErrorCode, WeftError } from '../../../shared/errors.ts'
import type { TokenSource } from '../token-source.ts'

/** The part of `fetch` that the sdk needs. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>

export type RestCallerOptions = {
  /** Of the socket: `ws(s)://host/.../sync`. */
  readonly socketUrl: string
  readonly tokens: Pick<TokenSource, 'get' | 'renew'>
  readonly fetch: FetchLike
}

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the server's address, such as `/v1/grants`. */
  readonly path: string
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: object
  readonly signal?: AbortSignal | undefined
}

const UNREACHABLE = 'the server cannot be reached'

export class RestCaller {
  readonly #options: RestCallerOptions
  readonly #base: string

  constructor(options: RestCallerOptions) {
    this.#options = options
    const url = new URL(options.socketUrl)
    url.protocol = url.protocol.replace(/^ws/, 'http')
    url.pathname = url.pathname.replace(/\/sync$/, '')
    url.search = ''
    this.#base = url.href.replace(/\/$/, '')
  }

  /**
   * The answer, as the server describes it in its OpenAPI document. Rejects with a {@link WeftError}:
   * what the server said, TOKEN_MISSING when the application gives none, or DEPENDENCY_UNAVAILABLE
   * (retryable) when the server cannot be reached; and with the reason of the signal when that aborts. A token that is over is replaced once.
   */
  async call<T>(call: Call): Promise<T> {
    const { tokens } = this.#options
    const token = await tokens.get()
    try {
      return await this.#ask<T>(call, token)
    } catch (error) {
      if (!(error instanceof WeftError) || error.status !== 401) throw error
      const fresh = await tokens.renew(token)
      if (fresh === token) throw error
      return this.#ask<T>(call, fresh)
    }
  }

  async #ask<T>({ method, path, query = {}, body, signal }: Call, token: string): Promise<T> {
    const url = new URL(`${this.#base}${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    let status: number
    let text: string
    try {
      const response = await this.#options.fetch(url.href, {
        method,
        headers,
        signal: signal ?? null,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = response.status
      text = await response.text()
    } catch (error) {
      signal?.throwIfAborted()
      throw new WeftError('DEPENDENCY_UNAVAILABLE', UNREACHABLE, { cause: error })
    }
    const answer = readJson(text)
    if (status >= 200 && status < 300) return answer as T
    throw toRefusal(status, answer)
  }
}

function readJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Something between here and the server has answered in its place; its status says enough.
    return undefined
  }
}

function toRefusal(status: number, answer: unknown): WeftError {
  const problem = (typeof answer === 'object' && answer !== null ? answer : {}) as {
    readonly code?: unknown
    readonly detail?: unknown
    readonly retryAfterMs?: unknown
  }
  const { code, detail, retryAfterMs } = problem
  if (typeof code !== 'string' || !isErrorCode(code)) {
    const known = status >= 500 || status === 429 ? 'DEPENDENCY_UNAVAILABLE' : 'REQUEST_INVALID'
    return new WeftError(known, `the server answered with status ${status}`)
  }
  const sentence = typeof detail === 'string' ? detail : code
  return new WeftError(code, sentence, typeof retryAfterMs === 'number' ? { retryAfterMs } : {})
}
