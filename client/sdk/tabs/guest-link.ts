/** A follower's end of a shared socket: asks for the leader's, and notices when nobody is there. */
import { every, type Cancel, type Clock } from '../../../shared/clock.ts'
import type { TabsEnvironment } from './environment.ts'
import { FramePipe } from './frame-pipe.ts'
import type { LinkEnd, LinkListener, SocketLink } from './socket-link.ts'
import { channelOfSocket, type SocketMessage } from './socket-message.ts'
import type { TabGroup } from './tab-group.ts'

export type GuestLinkOptions = {
  readonly id: string
  readonly url: string
  readonly scope: string
  readonly tabs: TabGroup
  readonly environment: TabsEnvironment
  readonly clock: Clock
  readonly listener: LinkListener
}

type State =
  /** Asked so many times, from then on. */
  | { readonly kind: 'asking'; readonly since: number; readonly times: number }
  /** Beats in a row that were not answered: a page's timers may be slow, so time says nothing. */
  | { readonly kind: 'accepted'; readonly leader: string; readonly unanswered: number }
  | { readonly kind: 'closed' }

const ASK_INTERVAL_MS = 250
/** Then it has a socket of its own, if it asked at least twice: it may have been busy itself. */
const ASK_MS = 1_250
const ASK_TIMES_MIN = 2
const BEAT_INTERVAL_MS = 1_000
const UNANSWERED_MAX = 2

export class GuestLink implements SocketLink {
  readonly #options: GuestLinkOptions
  readonly #pipe: FramePipe
  readonly #stops: (() => void)[]
  #state: State
  #cancelTimer: Cancel

  constructor(options: GuestLinkOptions) {
    this.#options = options
    const { id, scope, tabs, environment, clock } = options
    this.#state = { kind: 'asking', since: clock.monotonic(), times: 0 }
    this.#pipe = new FramePipe(environment.openChannel(channelOfSocket(scope, id)), {
      onFrame: frame => {
        this.#heard()
        options.listener.onFrame(frame)
      },
      onMessage: message => this.#onMessage(message),
      onBroken: () => this.#end('moved'),
    })
    this.#stops = [
      tabs.isLeader.subscribe(() => this.#onLeaderGone()),
      tabs.listen({
        onGone: tab => {
          if (this.#state.kind === 'accepted' && this.#state.leader === tab) this.#onLeaderGone()
        },
      }),
    ]
    this.#cancelTimer = every(clock, ASK_INTERVAL_MS, () => this.#ask())
    this.#ask()
  }

  send(frame: Uint8Array): void {
    if (!this.#pipe.send(frame)) this.#end('own')
  }

  close(): void {
    if (this.#state.kind === 'closed') return
    this.#state = { kind: 'closed' }
    this.#cancelTimer()
    for (const stop of this.#stops) stop()
    // A leader that slept hears it when it wakes.
    this.#pipe.post({ type: 'closed', end: 'moved' })
    this.#pipe.close()
  }

  #end(end: LinkEnd): void {
    if (this.#state.kind === 'closed') return
    this.close()
    this.#options.listener.onClosed(end)
  }

  /** Closed, crashed, or it is this tab that leads now. */
  #onLeaderGone(): void {
    this.#end(this.#state.kind === 'accepted' ? 'moved' : 'unanswered')
  }

  #ask(): void {
    if (this.#state.kind !== 'asking') return
    const { tabs, id, url, clock } = this.#options
    const { since, times } = this.#state
    const askedMs = clock.monotonic() - since
    if (times >= ASK_TIMES_MIN && askedMs >= ASK_MS) return this.#end('unanswered')
    this.#state = { kind: 'asking', since, times: times + 1 }
    tabs.post({ type: 'socket', id, url })
  }

  #onMessage(message: Exclude<SocketMessage, { readonly type: 'frame' }>): void {
    this.#heard()
    switch (message.type) {
      case 'accepted':
        return this.#accepted(message.leader)
      case 'opened':
        return this.#options.listener.onOpen()
      case 'closed':
        return this.#end(message.end)
      case 'beat':
    }
  }

  #accepted(leader: string): void {
    if (this.#state.kind !== 'asking') return
    this.#state = { kind: 'accepted', leader, unanswered: 0 }
    this.#cancelTimer()
    this.#cancelTimer = every(this.#options.clock, BEAT_INTERVAL_MS, () => this.#beat())
  }

  #beat(): void {
    if (this.#state.kind !== 'accepted') return
    const { unanswered } = this.#state
    if (unanswered >= UNANSWERED_MAX) return this.#end('moved')
    this.#state = { ...this.#state, unanswered: unanswered + 1 }
    this.#pipe.beat()
  }

  #heard(): void {
    if (this.#state.kind === 'accepted') this.#state = { ...this.#state, unanswered: 0 }
  }
}
