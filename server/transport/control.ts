/** What concerns sessions on whatever node they are: said once, heard by all nodes. */
import { z } from 'zod'
import { WeftError } from '../../shared/errors.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { Rooms, Whom } from './rooms.ts'

export type ControlOptions = {
  readonly rooms: Rooms
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly log: Logger
  readonly metrics: Metrics
}

export const CONTROL_CHANNEL = 'control'

const message = z.strictObject({
  type: z.literal('disconnect'),
  document: z.string().optional(),
  user: z.string().optional(),
})

export class Control {
  readonly #options: ControlOptions
  readonly #stop: () => void

  constructor(options: ControlOptions) {
    this.#options = options
    const subscription = options.fanout?.subscribe(CONTROL_CHANNEL, payload =>
      this.#onMessage(payload),
    )
    this.#stop = () => subscription?.close()
  }

  /** Ends sessions here and on all other nodes; returns how many there were here. */
  disconnect(whom: Whom): number {
    const { fanout } = this.#options
    const { document, user } = whom
    const told = JSON.stringify({ type: 'disconnect', document, user })
    fanout?.publish(CONTROL_CHANNEL, new TextEncoder().encode(told))
    return this.#disconnect(whom)
  }

  #disconnect(whom: Whom): number {
    const { rooms, log } = this.#options
    const error = new WeftError('DISCONNECTED', 'disconnected', { retryAfterMs: 1_000 })
    const sessions = rooms.disconnect(whom, error)
    log.info({ ...whom, sessions }, 'sessions were disconnected')
    return sessions
  }

  #onMessage(payload: Uint8Array): void {
    const parsed = message.safeParse(readJson(payload))
    if (parsed.success) this.#disconnect(parsed.data)
    else this.#options.metrics.nodeMessagesRefused.inc({ code: 'FRAME_INVALID' })
  }

  /** Hears no more. */
  close(): StopReport {
    this.#stop()
    return []
  }
}

function readJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload))
  } catch {
    // No JSON: refused with whatever else has not the right shape.
    return undefined
  }
}
