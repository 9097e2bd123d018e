/** Signals of one session: what its client asks for, and what it follows. */
import { toWeftError } from '../../shared/errors.ts'
import type { FollowTopics, SendSignal } from '../../shared/protocol.ts'
import type { SignalRequest } from '../../shared/signal-request.ts'
import { TopicFilter } from '../../shared/topic-filter.ts'
import type { Pass } from '../access/pass.ts'
import type { Signals } from '../features/signals/signals.ts'
import type { Room, RoomMember, SignalReceiver } from './room.ts'
import type { SyncPeer } from './sync-peer.ts'

export type SignalService = Pick<Signals, 'send' | 'requireTopics'>

export type SessionSignalsOptions = {
  readonly signals: SignalService
  readonly room: Pick<Room, 'name' | 'clientIdOf'>
  readonly pass: Pass
  readonly peer: Pick<SyncPeer, 'control' | 'isCongested'>
}

export class SessionSignals implements SignalReceiver {
  readonly #options: SessionSignalsOptions
  readonly #followed = new TopicFilter()

  constructor(options: SessionSignalsOptions) {
    this.#options = options
  }

  takes(topic: string | undefined): boolean {
    if (this.#options.peer.isCongested) return false
    return topic === undefined || this.#followed.covers(topic)
  }

  /** Every request is answered, and none of them ends the session. */
  onRequest(request: SignalRequest, member: RoomMember): void {
    switch (request.type) {
      case 'weft.send':
        return void this.#send(request, member)
      case 'weft.follow':
        return this.#follow(request)
      case 'unreadable':
        return this.#refuse(request.ref, request.error)
    }
  }

  async #send({ ref, signal }: SendSignal, member: RoomMember): Promise<void> {
    const { signals, room, pass, peer } = this.#options
    try {
      // Its session may be about to end: whoever may not read is not in the room.
      pass.require('read')
      const sent = await signals.send({
        room: room.name,
        principal: pass.principal,
        order: signal,
        sender: member,
        session: room.clientIdOf(member),
      })
      peer.control({ type: 'weft.answer', ref, sent })
    } catch (error) {
      this.#refuse(ref, error)
    }
  }

  /** All of it or nothing: what was followed before goes on. */
  #follow({ ref, topics }: FollowTopics): void {
    try {
      this.#options.signals.requireTopics(topics)
      this.#followed.set(topics)
      this.#options.peer.control({ type: 'weft.answer', ref })
    } catch (error) {
      this.#refuse(ref, error)
    }
  }

  #refuse(ref: number, error: unknown): void {
    this.#options.peer.control({ type: 'weft.answer', ref, error: toWeftError(error).toWire() })
  }
}
