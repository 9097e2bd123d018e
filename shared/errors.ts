/** Every refusal weft can give: a closed list of codes, shared by sockets, REST and the sdk. */

import { rows, type ErrorRow } from './error-rows.ts'

export type ErrorCode = keyof typeof rows

export const errorRows: Readonly<Record<ErrorCode, ErrorRow>> = rows
export const errorCodes = Object.keys(rows) as readonly ErrorCode[]

/** How a refusal travels: in control messages on sockets and inside problem answers on REST. */
export type WireError = {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number | undefined
  readonly hint: string
}

/** Wrong input or a bad day outside: answered to whoever asked. Bugs throw other errors. */
export class WeftError extends Error {
  override readonly name = 'WeftError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }

  get retryable(): boolean {
    return rows[this.code].retryable
  }

  get closeCode(): number {
    return rows[this.code].closeCode
  }

  get status(): number {
    return rows[this.code].status
  }

  get hint(): string {
    return rows[this.code].hint
  }

  toWire(): WireError {
    const { code, message, retryable, hint, retryAfterMs } = this
    return {
      code,
      message,
      retryable,
      hint,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(rows, text)
}

/** Anything thrown, as a WeftError: unknown things become INTERNAL and keep their cause. */
export function toWeftError(thrown: unknown): WeftError {
  if (thrown instanceof WeftError) return thrown
  return new WeftError('INTERNAL', 'something went wrong on our side', { cause: thrown })
}
