/** How long to wait before the next attempt: exponential, with full jitter. */
import type { Random } from './random.ts'

export type BackoffOptions = { readonly minMs: number; readonly maxMs: number }

/** What the sdk waits between connections: 1 s at least, 30 s at most. */
export const reconnectBackoff: BackoffOptions = { minMs: 1_000, maxMs: 30_000 }

/**
 * A span in [minMs, min(maxMs, minMs * 2^attempt)], drawn evenly, so that clients which lost one
 * server at one moment come back spread over the whole span.
 * `attempt` counts from 1 (the first retry).
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(attempt: number, random: Random, options: BackoffOptions): number {
  const { minMs, maxMs } = options
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
  return minMs + random.next() * (ceiling - minMs)
}
