/** The fan-out that the settings ask for, and how it is. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import type { Breakers } from './base/breaker.ts'
import type { HealthReport } from './base/health.ts'
import type { Logger } from './base/log.ts'
import type { Config } from './config.ts'
import type { Fanout } from './fanout/fanout.ts'
import { createLocalFanout } from './fanout/local-fanout.ts'
import { createRedisFanout } from './fanout/redis/redis-fanout.ts'

type FanoutParts = {
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly breakers: Breakers
}

export function openFanout(config: Config, { breakers, ...tools }: FanoutParts): Fanout {
  const url = config.WEFT_REDIS_URL
  if (url === undefined) return createLocalFanout(tools)
  return createRedisFanout({
    ...tools,
    url,
    prefix: config.WEFT_REDIS_PREFIX,
    secret: config.WEFT_REDIS_SECRET,
    // A probe is one connection, and while it waits the nodes do not hear each other.
    guard: breakers.breaker('redis', { resetMs: REDIS_RESET_MS_MAX }).run,
  })
}

const REDIS_RESET_MS_MAX = 1_000

/** Never worse than degraded: without the others this node still takes edits and stores them. */
export function fanoutReport(fanout: Fanout): HealthReport {
  const { link, reason = 'the link is down', ...counts } = fanout.health()
  const nodes = fanout.nodes().length + 1
  if (link === 'up') return { status: 'ok', link, nodes, ...counts }
  return { status: 'degraded', reason, link, nodes, ...counts }
}
