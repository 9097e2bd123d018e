/** Why a request of ours was not made, or has no answer. It does not travel: callers say it their way. */

export type OutgoingFault =
  /** We do not go there; asking again is no use until the address is another. */
  | 'refused'
  /** The name has no address just now. */
  | 'unknown-name'
  /** No connection, a certificate that is not the name's, or the answer broke off. */
  | 'unreachable'
  | 'timed-out'
  | 'too-large'
  /** By the caller's signal. */
  | 'aborted'

export class OutgoingError extends Error {
  override readonly name = 'OutgoingError'
  readonly fault: OutgoingFault
  /** Of an answer whose head came before its body went wrong: whoever was asked has heard us. */
  readonly status: number | undefined

  constructor(
    fault: OutgoingFault,
    message: string,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.fault = fault
    this.status = options.status
  }
}

/** What an aborted signal means: our own deadline gives an OutgoingError as its reason, others do not. */
export function abortOf({ reason }: AbortSignal): OutgoingError {
  if (reason instanceof OutgoingError) return reason
  return new OutgoingError('aborted', 'not wanted any more')
}
