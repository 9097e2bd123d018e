/** A program on a document: a member of the room that says who it is, and hears nothing. */
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import type { Person } from '../../shared/person.ts'
import { systemName } from '../../shared/system-names.ts'
import type { Pass } from '../access/pass.ts'
import type { DocumentHold } from '../documents/documents.ts'
import { encodeAwarenessUpdate } from '../presence/awareness-update.ts'
import { isSamePerson, personOf } from '../presence/person-of.ts'
import type { Room, RoomMember } from './room.ts'
import type { FrameFormat } from './sync-peer.ts'

export type AgentSessionOptions = {
  readonly clientId: number
  readonly pass: Pass
  readonly hold: DocumentHold
  readonly room: Room
  readonly clock: Clock
  /** Called once, however it ends. */
  readonly onEnd: () => void
}

/** Clients take away whom they have not heard of for 30 s. */
const REFRESH_MS = 10_000

const silent: FrameFormat = {
  key: 'silent',
  sync: () => new Uint8Array(),
  awareness: () => new Uint8Array(),
  message: null,
}

export class AgentSession implements RoomMember {
  readonly format = silent
  readonly keepsUp = false
  readonly needsBeat = false
  readonly signals = null
  /** Its edits come by other ways, under ids of their own. */
  readonly mayWrite = false
  readonly #options: AgentSessionOptions
  readonly #stops: Cancel[]
  #person: Person
  #clock = 0
  #cancelEnd: Cancel = () => {}
  #isEnded = false

  constructor(options: AgentSessionOptions) {
    const { pass, room, clock } = options
    this.#options = options
    this.#person = personOf(pass.principal)
    this.#stops = [
      pass.listen(() => {
        if (!mayBePresent(pass)) this.end()
      }),
      // Nobody would see it in the room of a document that is no more.
      options.hold.document.listen({ onEnd: () => this.end() }),
      every(clock, REFRESH_MS, () => room.refresh(this)),
    ]
    room.join(this)
  }

  get principalId(): string {
    return this.#options.pass.principal.id
  }

  get tenant(): string | null {
    return this.#options.pass.principal.tenant
  }

  get pass(): Pass {
    return this.#options.pass
  }

  get person(): Person {
    return this.#person
  }

  /** Throws FRAME_TOO_LARGE, and then it is as it was. */
  say(state: string, ttlMs: number): void {
    const { clientId, room, clock } = this.#options
    this.#clock += 1
    room.announce(this, encodeAwarenessUpdate([{ clientId, clock: this.#clock, state }]))
    this.#cancelEnd()
    this.#cancelEnd = clock.after(ttlMs, () => this.end())
  }

  /** With the token of the last request. */
  async renew(pass: Pass): Promise<void> {
    await this.#options.pass.renew(pass.principal)
    const person = personOf(pass.principal)
    if (isSamePerson(person, this.#person)) return
    this.#person = person
    this.#options.room.refresh(this)
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { pass, hold, room, onEnd } = this.#options
    this.#cancelEnd()
    for (const stop of this.#stops) stop()
    room.leave(this)
    hold.release()
    pass.close()
    onEnd()
  }

  prepare(): void {
    // It is told nothing.
  }

  send(): void {
    // It has no socket.
  }

  onBeat(): void {
    // It has nothing that could be missing here.
  }
}

/** Whoever may only read looks on, and is not shown over REST; in spaces nobody does more than that. */
export function mayBePresent(pass: Pass): boolean {
  if (!pass.decide('read').allowed) return false
  return pass.writing().access !== 'read' || systemName(pass.name)?.kind === 'space'
}
