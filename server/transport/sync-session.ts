/** One client on one document, whatever its protocol: sync in, sync out, and honest answers. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import { syncStep } from '../../shared/frames.ts'
import type { Decision, Principal } from '../../shared/permissions.ts'
import type { Metrics } from '../base/metrics.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import { readStateVector } from '../documents/state-vector.ts'
import { reachesBeyond, type UpdateKind } from '../documents/update-check.ts'
import { AckGate } from './ack-gate.ts'
import { pack, type PackedFrame } from './packed-frame.ts'
import type { Room, RoomMember } from './room.ts'
import type { SyncPeer } from './sync-peer.ts'

export type SyncSessionOptions = {
  readonly document: LiveDocument
  readonly room: Room
  readonly peer: SyncPeer
  /** The client as of now: its token may be renewed. */
  readonly principal: () => Principal
  /** May this client write, now? Asked for each update, so it must be cheap. */
  readonly mayWrite: () => Decision
  readonly clock: Clock
  readonly metrics: Metrics
  /** Called once when the session ends for whatever reason. */
  readonly onEnd: () => void
}

/** Why the client was asked for what it has; its answers come in the order of the questions. */
type Question = 'handshake' | 'repair'

/** Updates waiting for their acknowledgement; a client that sends on and on has to wait. */
const UNACKNOWLEDGED_MAX = 20_000
/** Repairs in a row that brought nothing; after that the client's next update asks again. */
const FRUITLESS_REPAIRS_MAX = 3
const REPAIR_RETRY_MS = 1_000

export class SyncSession implements RoomMember {
  readonly #options: SyncSessionOptions
  readonly #acks: AckGate
  readonly #stopListening: () => void
  #questions: Question[] = []
  /** What the client had when it began to sync. */
  #handshakeVector: ReadonlyMap<number, number> = new Map()
  #fruitlessRepairs = 0
  #repairIsDue = false
  #synced = false
  #ended = false

  constructor(options: SyncSessionOptions) {
    const { document, peer, metrics, clock } = options
    this.#options = options
    this.#acks = new AckGate(
      {
        acknowledge: status => peer.acknowledge(status),
        countsAcknowledgements: peer.countsAcknowledgements,
        onAcknowledged: waitedMs => metrics.ackSeconds.observe(waitedMs / 1000),
        now: () => clock.monotonic(),
      },
      { version: document.durableVersion, seq: document.seq },
    )
    this.#stopListening = document.listen({
      onDurable: ({ version, seq }) => this.#acks.durable(version, seq),
      onSaving: state => this.#onSaving(state),
      onEnd: error => this.end(error),
    })
    options.room.join(this)
    if (document.saving === 'failing') this.#onSaving('failing')
  }

  get principalId(): string {
    return this.#options.principal().id
  }

  get format() {
    return this.#options.peer.format
  }

  get isSynced(): boolean {
    return this.#synced
  }

  send(frame: PackedFrame): void {
    this.#options.peer.send(frame)
  }

  /** The client says what it has: it gets the rest, and is asked for what we lack. */
  onStep1(stateVector: Uint8Array): void {
    const { document, room, peer } = this.#options
    const [first, ...others] = document.missingFor(stateVector)
    this.#handshakeVector = readStateVector(stateVector)
    // What gathered for the others is in this answer already.
    room.flush()
    this.#synced = true
    peer.send(pack(peer.format.sync(syncStep.step2, first)))
    for (const update of others) peer.send(pack(peer.format.sync(syncStep.update, update)))
    this.ask('handshake')
  }

  /** The client's answer to our question, or what it sends on its own account. */
  onStep2(update: Uint8Array): void {
    const question = this.#questions.shift() ?? 'handshake'
    const version = this.#write(update, 'state')
    // Stock providers count one answer a handshake; ours counts one for each frame that it sends.
    const isCounted = question === 'handshake' || this.#options.peer.countsAcknowledgements
    if (isCounted) this.#expectAnswer(version)
    if (version === 'later') return this.#repair()
    if (version === 'refused') return
    this.#fruitlessRepairs = 0
    this.#acks.repaired(version)
  }

  onUpdate(update: Uint8Array): void {
    if (this.#acks.size >= UNACKNOWLEDGED_MAX) {
      const sentence = `${this.#acks.size} updates are not acknowledged yet`
      return this.end(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
    }
    const isCounted = this.#isCounted(update)
    const version = this.#write(update, 'edit')
    if (isCounted) this.#expectAnswer(version)
    if (version === 'later') this.#repair()
  }

  #expectAnswer(version: number | 'later' | 'refused'): void {
    if (version === 'refused') this.#acks.refused()
    else if (version === 'later') this.#acks.awaitsRepair()
    else this.#acks.applied(version)
  }

  /**
   * Does the client expect an answer to this update? A stock provider counts its unsaved changes
   * anew when it connects, and then sends what it had queued before: an answer to those would be
   * taken for one to a later change, and "saved" would be a lie. The queue is sent before the
   * handshake is over, and holds nothing that the client's own state vector did not.
   */
  #isCounted(update: Uint8Array): boolean {
    if (this.#options.peer.countsAcknowledgements) return true
    if (!this.#questions.includes('handshake')) return true
    try {
      return reachesBeyond(this.#handshakeVector, update)
    } catch {
      // Unreadable: it is refused in a moment, and refusals are answered.
      return true
    }
  }

  /** Updates that were dropped while the document was opening: the handshake brings them. */
  onDropped(count: number): void {
    // A stock provider may or may not have counted them: too few answers are safe, too many are not.
    if (!this.#options.peer.countsAcknowledgements) return
    for (let i = 0; i < count; i++) this.#acks.awaitsRepair()
  }

  /** Throws FRAME_INVALID or FRAME_TOO_LARGE. */
  onAwareness(update: Uint8Array): void {
    this.#options.room.announce(this, update)
  }

  onQueryAwareness(): void {
    this.#options.room.sendPresence(this)
  }

  /** Asks the client for everything that we do not have. */
  ask(question: Question): void {
    const { document, peer } = this.#options
    this.#questions.push(question)
    peer.send(pack(peer.format.sync(syncStep.step1, document.stateVector())))
  }

  /** The client left by itself. */
  close(): void {
    if (!this.#finish()) return
    this.#options.onEnd()
  }

  /** We end it, and the client is told why. */
  end(error: WeftError): void {
    if (!this.#finish()) return
    this.#options.metrics.refusals.inc({ code: error.code })
    this.#options.peer.end(error)
    this.#options.onEnd()
  }

  #finish(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#stopListening()
    this.#options.room.leave(this)
    return true
  }

  /**
   * The version that holds the update; `later` when it has to come again, with what it depends on
   * or when the store has room; `refused` when it must not come again.
   */
  #write(update: Uint8Array, kind: UpdateKind): number | 'later' | 'refused' {
    const { document, metrics } = this.#options
    try {
      const decision = this.#options.mayWrite()
      if (!decision.allowed) return this.#refuseWrite(update, decision.because)
      const outcome = document.write(update, { author: this.principalId, source: this, kind })
      if (outcome.kind === 'gap') {
        metrics.gapsIn.inc()
        return 'later'
      }
      metrics.tally.updatesApplied += 1
      metrics.tally.updateBytes += update.byteLength
      return outcome.version
    } catch (error) {
      const refusal = toWeftError(error)
      metrics.updatesRefused.inc({ code: refusal.code })
      this.#tell(refusal)
      return refusal.retryable ? 'later' : 'refused'
    }
  }

  /** A reader's handshake that brings nothing new is no attempt to write. */
  #refuseWrite(update: Uint8Array, because: string): number | 'refused' {
    const { document, metrics, principal, clock } = this.#options
    if (document.knows(update)) return document.version
    metrics.updatesRefused.inc({ code: 'FORBIDDEN' })
    const isExpired = clock.now() >= principal().expiresAt
    this.#tell(new WeftError(isExpired ? 'TOKEN_EXPIRED' : 'FORBIDDEN', because))
    return 'refused'
  }

  #tell(refusal: WeftError): void {
    this.#options.metrics.refusals.inc({ code: refusal.code })
    this.#options.peer.control({ type: 'weft.error', error: refusal.toWire() })
  }

  /** One question at a time; when the answers bring nothing, the next one waits a while. */
  #repair(): void {
    if (this.#questions.includes('repair') || this.#repairIsDue) return
    this.#fruitlessRepairs += 1
    if (this.#fruitlessRepairs <= FRUITLESS_REPAIRS_MAX) return this.ask('repair')
    this.#repairIsDue = true
    this.#options.clock.after(REPAIR_RETRY_MS, () => {
      this.#repairIsDue = false
      if (!this.#ended) this.ask('repair')
    })
  }

  #onSaving(state: 'ok' | 'failing'): void {
    this.#options.peer.control({ type: 'weft.saving', state })
  }
}
