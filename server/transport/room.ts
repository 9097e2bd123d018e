/** The clients of one document on this node: each change goes out once, encoded once a format. */
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import type { WeftError } from '../../shared/errors.ts'
import { syncStep } from '../../shared/frames.ts'
import { encodeControlMessage } from '../../shared/protocol.ts'
import type { Pass, SessionOrigin } from '../access/pass.ts'
import type { LiveDocument } from '../documents/live-document.ts'
import type { ToldSignal } from '../features/signals/signals.ts'
import type { DocumentPresence, OwnSession, ToldState } from '../presence/document-presence.ts'
import type { PresenceLink } from '../presence/presence-link.ts'
import { broadcast } from './broadcast.ts'
import { pack, type PackedFrame } from './packed-frame.ts'
import { PresenceRounds } from './presence-rounds.ts'
import { Repeat } from './repeat.ts'
import type { FrameFormat } from './sync-peer.ts'

/** A member of a room; its changes are not echoed to it. */
export type RoomMember = OwnSession & {
  readonly format: FrameFormat
  /** False while it has not asked for the document, or lags behind: it will get all of it later. */
  readonly keepsUp: boolean
  /** null: it hears none. */
  readonly signals: SignalReceiver | null
  /** Called with what is about to be told; the member may fall behind instead of taking it. */
  prepare(updates: readonly Uint8Array[]): void
  send(frame: PackedFrame): void
  /** Nobody but us finds out when a frame was lost between it and us. */
  readonly needsBeat: boolean
  /** Asks the client for what we lack. */
  onBeat(): void
  readonly pass?: Pick<Pass, 'origin' | 'shownDevice'>
  /** We end it, and the client is told why. */
  end(error: WeftError): void
}

export type SignalReceiver = {
  /** Just now; undefined: whatever it is about. Slow readers take none. */
  takes(topic: string | undefined): boolean
}

/** Runs an action at the end of this turn of the event loop. */
export type Defer = (action: () => void) => void

export type RoomOptions = {
  readonly presence: DocumentPresence
  /** To the same room on other nodes; `onChange` is told of who changed there. */
  readonly link?: ((onChange: (clientIds: readonly number[]) => void) => PresenceLink) | undefined
  /** Called once, when the last member has left. */
  readonly onClosed?: (room: Room) => void
  /** The least time between two rounds of presence. */
  readonly presenceIntervalMs: number
  /** A member that was seen has left, or hides. */
  readonly onLeft?: (member: RoomMember) => void
  readonly defer: Defer
  readonly clock: Clock
}

/** A frame that was lost is made good within two of them. */
const BEAT_MS = 3_500

type PendingUpdate = { readonly update: Uint8Array; readonly source: object | null }

export class Room {
  readonly #document: LiveDocument
  readonly #presence: DocumentPresence
  readonly #defer: Defer
  readonly #onClosed: RoomOptions['onClosed']
  readonly #onLeft: (member: RoomMember) => void
  readonly #members = new Set<RoomMember>()
  readonly #stopListening: () => void
  readonly #repeat = new Repeat()
  readonly #cancelBeat: Cancel
  #updates: PendingUpdate[] = []
  readonly #link: PresenceLink | undefined
  readonly #rounds: PresenceRounds
  #isScheduled = false
  #isClosed = false

  constructor(document: LiveDocument, options: RoomOptions) {
    const { presence, link, presenceIntervalMs, defer, clock, onClosed } = options
    this.#onClosed = onClosed
    this.#onLeft = options.onLeft ?? (() => {})
    this.#document = document
    this.#presence = presence
    this.#defer = defer
    this.#cancelBeat = every(clock, BEAT_MS, () => this.#beat())
    this.#stopListening = document.listen({
      onUpdate: (update, origin) => {
        this.#updates.push({ update, source: origin?.source ?? null })
        this.#schedule()
      },
    })
    this.#link = link?.(clientIds => {
      for (const clientId of clientIds) {
        document.showClientIdElsewhere(clientId, presence.writerElsewhere(clientId))
      }
      this.#rounds.changedElsewhere(clientIds)
    })
    this.#rounds = new PresenceRounds({
      presence,
      members: this.#members,
      intervalMs: presenceIntervalMs,
      onRound: clientIds => this.#link?.tell(clientIds),
      clock,
      defer,
    })
  }

  /** The last member left; whoever comes next gets a new room. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  get name(): string {
    return this.#document.name
  }

  /** Ends the sessions of a user, or all; returns how many. */
  disconnect(user: string | undefined, error: WeftError): number {
    const members = [...this.#members].filter(
      ({ principalId }) => user === undefined || principalId === user,
    )
    for (const member of members) member.end(error)
    return members.length
  }

  join(member: RoomMember): void {
    // What came before belongs to those who were here: the newcomer's first sync holds it.
    this.flush()
    this.#members.add(member)
    const present = this.#presence.encodeAll()
    if (present !== undefined) member.send(pack(member.format.awareness(present)))
  }

  leave(member: RoomMember): void {
    this.#members.delete(member)
    const left = this.#presence.leave(member)
    this.#rounds.changedHere(left, null)
    if (left.length > 0) this.#onLeft(member)
    if (this.#members.size > 0) return
    this.#isClosed = true
    this.#rounds.close()
    this.#link?.close()
    this.#document.forgetElsewhere()
    this.#onClosed?.(this)
    this.#cancelBeat()
    this.#stopListening()
  }

  /**
   * Takes a member's own announcement and tells the others; returns the clients that are its own.
   * Throws FRAME_INVALID or -TOO_LARGE.
   */
  announce(member: RoomMember, update: Uint8Array): readonly number[] {
    const own = this.#presence.announce(member, update)
    this.#rounds.changedHere(own, member)
    if (own.some(clientId => !this.#presence.has(clientId))) this.#onLeft(member)
    return own
  }

  /** The member's states go out anew: it is shown otherwise, or does not say so itself. */
  refresh(member: RoomMember): void {
    this.#rounds.changedHere(this.#presence.refresh(member), member)
  }

  /** Sessions of a user that say on which device they are. */
  originsOf(user: string): readonly SessionOrigin[] {
    return [...this.#members].flatMap(({ principalId, pass }) =>
      principalId === user && pass?.origin !== undefined ? [pass.origin] : [],
    )
  }

  /** States of this node's sessions. */
  present(): readonly ToldState[] {
    return this.#presence.tellAll()
  }

  /** Everybody's presence, for a member who asks. */
  sendPresence(member: RoomMember): void {
    const present = this.#presence.encodeAll()
    if (present !== undefined) member.send(pack(member.format.awareness(present)))
  }

  /** The client id under which the others know the member; undefined while it is not present. */
  clientIdOf(member: RoomMember): number | undefined {
    return this.#presence.clientIdOf(member)
  }

  /** Sends it to those it is for, at once; returns how many. Slow readers are passed over. */
  signal({ signal, sender, tenant }: ToldSignal): number {
    const { user, session, topic } = signal.to
    const owner = session === undefined ? undefined : this.#presence.ownerOf(session)
    const receivers = [...this.#members].flatMap(member => {
      const { format, signals } = member
      const { key, message } = format
      if (message === null || member === sender || signals?.takes(topic) !== true) return []
      if (user !== undefined && !isUser(member, { user, tenant })) return []
      if (session !== undefined && member !== owner) return []
      return { format: { key, message }, send: (frame: PackedFrame) => member.send(frame) }
    })
    if (receivers.length === 0) return 0
    const told = encodeControlMessage({ type: 'weft.signal', signal })
    broadcast(receivers, ({ message }) => message(told))
    return receivers.length
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => this.flush())
  }

  /** Sends the updates that have gathered, in their order. */
  flush(): void {
    this.#isScheduled = false
    const updates = this.#updates
    this.#updates = []
    if (updates.length > 0) {
      const bytes = updates.map(({ update }) => update)
      for (const member of this.#members) member.prepare(bytes)
      this.#repeat.add(bytes)
    }
    const ready = [...this.#members].filter(({ keepsUp }) => keepsUp)
    for (const { update, source } of updates) {
      const receivers = source === null ? ready : ready.filter(one => one !== source)
      broadcast(receivers, format => format.sync(syncStep.update, update))
    }
  }

  /**
   * Stock clients never ask again for what they missed. When it has become quiet they are told once
   * more what happened last, and are asked for what may not have reached us.
   */
  #beat(): void {
    this.flush()
    const repeated = this.#repeat.takeWhenQuiet()
    for (const member of this.#members) {
      if (!member.needsBeat || !member.keepsUp) continue
      if (repeated !== undefined) {
        member.send(pack(member.format.sync(syncStep.update, repeated)))
      }
      member.onBeat()
    }
  }
}

type Named = { readonly user: string; readonly tenant: string | undefined }

/** Of another tenant it is another person; undefined: whichever it is. */
function isUser(member: RoomMember, { user, tenant }: Named): boolean {
  return member.principalId === user && (tenant === undefined || member.tenant === tenant)
}
