/** One client on one document, whatever its protocol: sync in, sync out, and honest answers. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import { syncStep } from '../../shared/frames.ts'
import type { Person } from '../../shared/person.ts'
import type { CheckMessage } from '../../shared/protocol.ts'
import type { Pass } from '../access/pass.ts'
import type { Metrics } from '../base/metrics.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import { readStateVector } from '../documents/state-vector.ts'
import { mayReachBeyond, type UpdateKind } from '../documents/update-check.ts'
import { isSamePerson, personOf } from '../presence/person-of.ts'
import { AccessTeller } from './access-teller.ts'
import { AckGate } from './ack-gate.ts'
import { answerCheck } from './check-answer.ts'
import { FullAnswers } from './full-answers.ts'
import { Lag } from './lag.ts'
import { Repairs } from './repairs.ts'
import { pack, type PackedFrame } from './packed-frame.ts'
import type { Room, RoomMember } from './room.ts'
import { SessionSignals, type SignalService } from './session-signals.ts'
import type { SyncPeer } from './sync-peer.ts'
import { mayWrite } from './write-refusal.ts'

export type SyncSessionOptions = {
  readonly document: LiveDocument
  readonly room: Room
  readonly signals: SignalService
  readonly peer: SyncPeer
  /** Who the client is and what it may do, as of now. */
  readonly pass: Pass
  /** Does the client understand this version of the application's schema? */
  readonly understands: (schema: number) => boolean
  readonly clock: Clock
  readonly metrics: Metrics
  /** Called once when the session ends for whatever reason. */
  readonly onEnd: () => void
}

/** Why the client was asked for what it has; its answers come in the order of the questions. */
type Question = 'handshake' | 'repair'

/** Updates waiting for their acknowledgement; a client that sends on and on has to wait. */
const UNACKNOWLEDGED_MAX = 20_000
/** Bytes of updates that cannot be integrated yet. */
const REPAIR_BYTES_MAX = 4 << 20

export class SyncSession implements RoomMember {
  readonly signals: SessionSignals
  readonly #options: SyncSessionOptions
  readonly pass: Pass
  /** Changes with a fresh token alone. */
  readonly tenant: string | null
  person: Person
  readonly #acks: AckGate
  readonly #access: AccessTeller
  readonly #stopListening: () => void
  #questions: Question[] = []
  /** What the client had when it began to sync. */
  #handshakeVector: ReadonlyMap<number, number> = new Map()
  readonly #repairs: Repairs
  #synced = false
  /** Since the last beat; a frame may have been lost beside those that came. */
  #heard: 'now' | 'before' | 'long ago' = 'now'
  readonly #lag: Lag
  readonly #fullAnswers: FullAnswers
  /** The last question that has to wait: for the client to read, or because it asks too often. */
  #owed: Uint8Array | undefined
  #ended = false

  constructor(options: SyncSessionOptions) {
    const { document, peer, metrics, clock } = options
    this.#options = options
    this.pass = options.pass
    this.tenant = options.pass.principal.tenant
    this.person = personOf(options.pass.principal)
    this.#lag = new Lag(document)
    this.signals = new SessionSignals(options)
    this.#repairs = new Repairs(clock, {
      isAsked: () => this.#questions.includes('repair'),
      ask: () => this.ask('repair'),
    })
    this.#fullAnswers = new FullAnswers(clock, () => this.onDrain())
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
      onSchema: () => this.#access.check(),
      onEnd: error => this.end(error),
    })
    this.#access = new AccessTeller({
      pass: options.pass,
      clock,
      peer,
      mayWrite: () => mayWrite(options),
      onRenewed: () => this.ask('repair'),
      onToken: () => this.#rename(),
      end: error => this.end(error),
    })
    options.room.join(this)
    if (document.saving === 'failing') this.#onSaving('failing')
    this.#access.check()
  }

  get principalId(): string {
    return this.#options.pass.principal.id
  }

  #rename(): void {
    const person = personOf(this.pass.principal)
    if (isSamePerson(person, this.person)) return
    this.person = person
    this.#options.room.refresh(this)
  }

  get mayWrite(): boolean {
    return this.#options.pass.writing().access !== 'read'
  }

  get format() {
    return this.#options.peer.format
  }

  get keepsUp(): boolean {
    return this.#synced && !this.#lag.isBehind
  }

  prepare(updates: readonly Uint8Array[]): void {
    if (!this.keepsUp || !this.#options.peer.isCongested) return
    this.#options.metrics.lagging.inc()
    this.#lag.begin(updates)
  }

  get needsBeat(): boolean {
    return !this.#options.peer.checksState
  }

  onBeat(): void {
    // Nothing to ask of those who only read, or have been silent: an answer holds every deletion.
    const heard = this.#heard
    this.#heard = heard === 'now' ? 'before' : 'long ago'
    // While it goes on sending, a frame that was lost is missed by the next one.
    if (heard !== 'before' || this.#questions.length > 0) return
    if (this.mayWrite) this.ask('repair')
  }

  /** The client has read everything: it gets what it missed, and answers that had to wait. */
  onDrain(): void {
    if (this.#ended) return
    const { room, peer } = this.#options
    const missed = this.#lag.end()
    if (missed !== undefined) {
      peer.send(pack(peer.format.sync(syncStep.update, missed)))
      room.sendPresence(this)
    }
    const owed = this.#owed
    this.#owed = undefined
    if (owed !== undefined) this.onStep1(owed)
  }

  send(frame: PackedFrame): void {
    this.#options.peer.send(frame)
  }

  /** The client says what it has: it gets the rest, and is asked for what we lack. */
  onStep1(stateVector: Uint8Array): void {
    const { document, room, peer } = this.#options
    const vector = readStateVector(stateVector)
    // One answer on its way at a time, and large ones not too often: who asks again and again gets
    // the last answer alone.
    if (this.#synced && (peer.isCongested || !this.#fullAnswers.allows())) {
      this.#owed = stateVector
      return
    }
    const [first, ...others] = document.missingFor(stateVector)
    this.#fullAnswers.given(first.byteLength)
    this.#handshakeVector = vector
    this.#lag.end()
    // What gathered for the others is in this answer already.
    room.flush()
    this.#synced = true
    peer.handshake(syncStep.step2, first)
    for (const update of others) peer.send(pack(peer.format.sync(syncStep.update, update)))
    this.ask('handshake')
  }

  /** The client's answer to our question, or what it sends on its own account. */
  onStep2(update: Uint8Array): void {
    const question = this.#questions.shift() ?? 'handshake'
    const version = this.#write(update, 'state')
    // Stock providers count one answer a handshake; ours counts one for each frame that it sends.
    const isCounted = question === 'handshake' || this.#options.peer.countsAcknowledgements
    if (isCounted) this.#expectAnswer(version, update)
    if (version === 'later') return this.#needRepair()
    if (version === 'refused') return
    if (this.#settleRepairs(version) > 0) this.#needRepair()
    else this.#repairs.done()
  }

  onUpdate(update: Uint8Array): void {
    this.#heard = 'now'
    if (this.#acks.size >= UNACKNOWLEDGED_MAX || this.#acks.repairBytes > REPAIR_BYTES_MAX) {
      const sentence = `${this.#acks.size} updates are not acknowledged yet`
      return this.end(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
    }
    const isCounted = this.#isCounted(update)
    const version = this.#write(update, 'edit')
    if (isCounted) this.#expectAnswer(version, update)
    if (version === 'later') this.#needRepair()
    else if (version !== 'refused') this.#settleRepairs(version)
  }

  /** Not of somebody whose token ran out: they are asked when a fresh one has come. */
  #needRepair(): void {
    if (this.mayWrite) this.#repairs.need()
  }

  /** How many updates still wait for what they depend on. */
  #settleRepairs(version: number): number {
    return this.#acks.repaired(version, update => this.#options.document.versionOf(update))
  }

  #expectAnswer(version: number | 'later' | 'refused', update: Uint8Array): void {
    if (version === 'refused') this.#acks.refused()
    else if (version === 'later') this.#acks.awaitsRepair(update)
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
    return mayReachBeyond(this.#handshakeVector, update)
  }

  /** Updates that were dropped while the document was opening: the handshake brings them. */
  onDropped(count: number): void {
    for (let i = 0; i < count; i++) this.#acks.awaitsRepair(null)
  }

  /** Throws FRAME_INVALID or FRAME_TOO_LARGE. */
  onAwareness(update: Uint8Array): void {
    this.#heard = 'now'
    const { document, room } = this.#options
    const own = room.announce(this, update)
    if (own.length === 0 || !this.mayWrite) return
    for (const id of own) document.showClientId(id, this)
  }

  /** Do both ends hold the same? Asked by weft's own clients when all is quiet. */
  onCheck(check: CheckMessage): void {
    const { peer } = this.#options
    const answer = mayWrite(this.#options)
    peer.control(answerCheck(check, { ...this.#options, answer, keepsUp: this.keepsUp }))
  }

  onQueryAwareness(): void {
    this.#options.room.sendPresence(this)
  }

  /** Asks the client for everything that we do not have. */
  ask(question: Question): void {
    const { document, peer } = this.#options
    this.#questions.push(question)
    peer.handshake(syncStep.step1, document.stateVector())
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
    this.#access.close()
    this.#fullAnswers.close()
    this.#repairs.close()
    this.#stopListening()
    this.#options.document.hideClientIds(this)
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
      const answer = mayWrite(this.#options)
      if (answer.access === 'read') return this.#refuseWrite(update, answer.refusal)
      const { rule } = answer
      const outcome = document.write(update, { author: this.principalId, source: this, kind, rule })
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
      if (refusal.code === 'PATH_FORBIDDEN') this.#options.pass.noteRefusal('write', refusal)
      this.#tell(refusal)
      return refusal.retryable ? 'later' : 'refused'
    }
  }

  /** A reader's handshake that brings nothing new is no attempt to write. */
  #refuseWrite(update: Uint8Array, refusal: WeftError): number | 'later' | 'refused' {
    const { document, metrics } = this.#options
    const version = document.versionOf(update)
    if (version !== undefined) return version
    metrics.updatesRefused.inc({ code: refusal.code })
    this.#options.pass.noteRefusal('write', refusal)
    this.#tell(refusal)
    // With a fresh token it is welcome, and nothing of it is lost until then.
    return refusal.code === 'TOKEN_EXPIRED' ? 'later' : 'refused'
  }

  #tell(refusal: WeftError): void {
    this.#options.metrics.refusals.inc({ code: refusal.code })
    this.#options.peer.control({ type: 'weft.error', error: refusal.toWire() })
  }

  #onSaving(state: 'ok' | 'failing'): void {
    this.#options.peer.control({ type: 'weft.saving', state })
  }
}
