/** Keeps one client in step with what it may do: told at once, sent off at once, asked for a token in time. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import type { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { Pass } from '../access/pass.ts'
import type { SyncPeer } from './sync-peer.ts'

export type AccessTellerOptions = {
  readonly pass: Pass
  readonly clock: Clock
  /** Why the client may not write just now; undefined when it may. */
  readonly writeRefusal: () => WeftError | undefined
  readonly peer: Pick<SyncPeer, 'control' | 'askForToken'>
  /** A fresh token has come after the last one had run out: what was refused meanwhile is welcome. */
  readonly onRenewed: () => void
  /** The client may not even read any more. */
  readonly end: (error: WeftError) => void
}

/** Of what is left of a token; there is time for a second and a third question. */
const ASK_AFTER = 0.8
/** Asking more often than that would not help. */
const ASK_EVERY_MS_MIN = 1_000
const TIMER_MS_MAX = 2 ** 31 - 1

export class AccessTeller {
  readonly #options: AccessTellerOptions
  readonly #stopListening: Cancel
  #cancelQuestion: Cancel = () => {}
  #askedOf: Principal
  /** The code of the refusal that was told last, by the hello at first; undefined: it may write. */
  #told: string | undefined

  constructor(options: AccessTellerOptions) {
    const { pass } = options
    this.#options = options
    this.#askedOf = pass.principal
    this.#told = pass.refusal('write')?.code
    this.#stopListening = pass.listen(() => this.#onChange())
    this.#arm()
  }

  /** Tells what has changed since it was told last; nothing when nothing has. */
  check(): void {
    const refusal = this.#options.writeRefusal()
    if (refusal?.code === this.#told) return
    const before = this.#told
    this.#told = refusal?.code
    const what =
      refusal === undefined ? allowed : ({ access: 'read', error: refusal.toWire() } as const)
    this.#options.peer.control({ type: 'weft.access', ...what })
    if (refusal === undefined && before === 'TOKEN_EXPIRED') this.#options.onRenewed()
  }

  close(): void {
    this.#stopListening()
    this.#cancelQuestion()
  }

  #onChange(): void {
    const { pass, end } = this.#options
    const refusal = pass.refusal('read')
    if (refusal !== undefined) return end(refusal)
    this.check()
    if (pass.principal === this.#askedOf) return
    this.#askedOf = pass.principal
    this.#arm()
  }

  #arm(): void {
    const { pass, clock, peer } = this.#options
    this.#cancelQuestion()
    const delayMs = pass.writesForMs * ASK_AFTER
    if (delayMs < ASK_EVERY_MS_MIN || delayMs > TIMER_MS_MAX) return
    this.#cancelQuestion = clock.after(delayMs, () => {
      peer.askForToken()
      this.#arm()
    })
  }
}

const allowed = { access: 'write' } as const
