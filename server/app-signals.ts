/** Signals, with the limits that the settings give them and what the application declares. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import type { Logger } from './base/log.ts'
import type { Metrics } from './base/metrics.ts'
import type { Config } from './config.ts'
import type { DocumentHooks } from './documents/document-hooks.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { SignalHooks } from './features/signals/signal-hooks.ts'
import { Signals } from './features/signals/signals.ts'
import type { Rooms } from './transport/rooms.ts'

/** All that an application may add. */
export type AppHooks = DocumentHooks & {
  /** Which signals there are; without it, any well-formed one. */
  readonly signals?: SignalHooks
}

export type SignalParts = {
  readonly rooms: Pick<Rooms, 'signal'>
  readonly hooks: AppHooks
  readonly fanout: Fanout | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
}

export function createSignals(config: Config, parts: SignalParts): Signals {
  const { rooms, hooks } = parts
  return new Signals({
    ...parts,
    hooks: hooks.signals ?? {},
    tellHere: (room, told) => rooms.signal(room, told),
    limits: {
      bytesMax: config.WEFT_MAX_SIGNAL_BYTES,
      perSecond: config.WEFT_SIGNALS_PER_SECOND,
    },
  })
}
