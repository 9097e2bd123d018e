/** Tells other nodes who is on a document here, and hears who is there. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { toWeftError } from '../../shared/errors.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { DocumentPresence } from './document-presence.ts'
import {
  decodePresenceMessage,
  encodePresenceMessage,
  presenceChannel,
  type PresenceMessage,
} from './presence-message.ts'

export type PresenceLinkOptions = {
  readonly name: string
  readonly presence: DocumentPresence
  readonly fanout: Fanout
  readonly clock: Clock
  readonly metrics: Metrics
  /** Told which clients of other nodes have changed. */
  readonly onChange: (clientIds: readonly number[]) => void
}

/** A message that was lost leaves somebody standing for so long, and no longer. */
const WHOLE_AFTER_MS = 2_500

/** Only the node that has a session tells of it: what is heard is never told on. */
export class PresenceLink {
  readonly #options: PresenceLinkOptions
  readonly #channel: string
  readonly #stops: (() => void)[]
  #cancelWhole: Cancel | undefined
  #isClosed = false

  constructor(options: PresenceLinkOptions) {
    const { fanout, name, presence, onChange } = options
    this.#options = options
    this.#channel = presenceChannel(name)
    const subscription = fanout.subscribe(this.#channel, (payload, from) =>
      this.#onMessage(payload, from),
    )
    void subscription.ready.then(() => this.#say({ kind: 'who' }))
    this.#stops = [
      () => subscription.close(),
      fanout.onNodeGone(node => onChange(presence.forgetNode(node))),
      fanout.onLink(link => {
        if (link === 'up') this.#meetAgain()
      }),
    ]
  }

  /** These clients of this node have changed, or left. */
  tell(clientIds: Iterable<number>): void {
    const states = this.#options.presence.tell(clientIds)
    if (states.length === 0) return
    this.#say({ kind: 'here', isWhole: false, states })
    this.#cancelWhole ??= this.#options.clock.after(WHOLE_AFTER_MS, () => this.#tellWhole())
  }

  /** The last session has left; what is to be told of it has been. */
  close(): void {
    this.#tellWhole()
    this.#isClosed = true
    for (const stop of this.#stops) stop()
  }

  #tellWhole(): void {
    this.#cancelWhole?.()
    this.#cancelWhole = undefined
    this.#say({ kind: 'here', isWhole: true, states: this.#options.presence.tellAll() })
  }

  #meetAgain(): void {
    this.#tellWhole()
    this.#say({ kind: 'who' })
  }

  #say(message: PresenceMessage): void {
    if (this.#isClosed) return
    this.#options.fanout.publish(this.#channel, encodePresenceMessage(message))
  }

  #onMessage(payload: Uint8Array, from: string): void {
    if (this.#isClosed) return
    const { presence, metrics, onChange } = this.#options
    try {
      const message = decodePresenceMessage(payload)
      if (message.kind === 'who') return this.#tellWhole()
      const changed = presence.hear(from, message)
      if (changed.length > 0) onChange(changed)
    } catch (error) {
      metrics.nodeMessagesRefused.inc({ code: toWeftError(error).code })
    }
  }
}
