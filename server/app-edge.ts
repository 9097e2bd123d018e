/** The edge, with the limits that the settings give it. */
import type { Clock } from '../shared/clock.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import { AddressLimits } from './edge/address-limits.ts'
import { Addresses } from './edge/addresses.ts'
import type { Rate } from './edge/bucket.ts'
import type { Edge } from './edge/edge.ts'
import { Paces } from './edge/pace.ts'
import { UserLimits } from './edge/user-limits.ts'

type EdgeParts = { readonly clock: Clock; readonly metrics: Metrics }

/** People behind one address all come back at once when the office has its network again. */
const ADDRESS_BURST_S = 20
/** A page that is opened asks about all its documents. */
const FRAMES_BURST_S = 10
/** What was done offline comes at once. */
const BYTES_BURST_S = 8

export function createEdge(config: Config, { clock, metrics }: EdgeParts): Edge {
  return {
    addresses: new Addresses({
      trustedProxies: config.WEFT_TRUSTED_PROXIES,
      allowed: config.WEFT_ALLOW_ADDRESSES,
      denied: config.WEFT_DENY_ADDRESSES,
    }),
    origins: { allowed: config.WEFT_ORIGINS, anyLoopback: config.loopback },
    addressLimits: new AddressLimits({
      connects: rate(config.WEFT_ADDRESS_CONNECTS_PER_SECOND, ADDRESS_BURST_S),
      requests: rate(config.WEFT_ADDRESS_REQUESTS_PER_SECOND, ADDRESS_BURST_S),
      banMs: config.WEFT_BAN_MS,
      clock,
      metrics,
    }),
    userLimits: new UserLimits({ tiers: config.WEFT_RATE_TIERS, clock, metrics }),
    paces: new Paces({
      connection: {
        frames: rate(config.WEFT_CONNECTION_FRAMES_PER_SECOND, FRAMES_BURST_S),
        bytes: rate(config.WEFT_CONNECTION_BYTES_PER_SECOND, BYTES_BURST_S),
      },
      document: {
        frames: rate(config.WEFT_DOCUMENT_FRAMES_PER_SECOND, FRAMES_BURST_S),
        bytes: rate(config.WEFT_DOCUMENT_BYTES_PER_SECOND, BYTES_BURST_S),
      },
      overMaxMs: config.WEFT_SLOW_DOWN_AFTER_MS,
      clock,
      metrics,
    }),
  }
}

function rate(perSecond: number, burstSeconds: number): Rate {
  return { perSecond, burst: perSecond * burstSeconds }
}
