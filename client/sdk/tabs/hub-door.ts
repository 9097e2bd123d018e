/** Lets the other tabs of the user into the leader's socket: a guest each, by a channel of its own. */
import type { TabsEnvironment } from './environment.ts'
import { FramePipe } from './frame-pipe.ts'
import type { SocketHub } from './socket-hub.ts'
import type { LinkEnd, SocketLink } from './socket-link.ts'
import { channelOfSocket } from './socket-message.ts'
import type { TabGroup } from './tab-group.ts'

export type HubDoorOptions = {
  readonly hub: SocketHub
  readonly url: string
  readonly scope: string
  readonly tabs: TabGroup
  readonly environment: TabsEnvironment
}

type Guest = {
  readonly id: string
  /** It asked again: what it was told before did not reach it. */
  readonly welcome: () => void
  readonly leave: () => void
}

export class HubDoor {
  readonly #options: HubDoorOptions
  /** By their tab: a tab has one socket. */
  readonly #guests = new Map<string, Guest>()
  readonly #stop: () => void

  constructor(options: HubDoorOptions) {
    this.#options = options
    const { tabs, url } = options
    this.#stop = tabs.listen({
      onMessage: (message, from) => {
        if (message.type === 'socket' && message.url === url) this.#admit(from, message.id)
      },
      // Closed or crashed: without this its documents would stay open at the server.
      onGone: tab => this.#guests.get(tab)?.leave(),
    })
  }

  close(): void {
    this.#stop()
  }

  #admit(tab: string, id: string): void {
    const { tabs } = this.#options
    const guest = this.#guests.get(tab)
    if (guest?.id === id) return guest.welcome()
    // The end of a tab that is not known would go unnoticed. It asks again, and is known by then.
    if (!tabs.knows(tab)) return
    guest?.leave()
    this.#guests.set(tab, this.#createGuest(tab, id))
  }

  #createGuest(tab: string, id: string): Guest {
    const { hub, tabs, scope, environment } = this.#options
    let isOpen = false
    let link: SocketLink | undefined
    const pipe = new FramePipe(environment.openChannel(channelOfSocket(scope, id)), {
      onFrame: frame => link?.send(frame),
      onMessage: ({ type }) => {
        if (type === 'closed') return leave()
        if (type !== 'beat') return
        pipe.beat()
        hub.check()
      },
      onBroken: () => end('moved'),
    })
    const leave = () => {
      if (this.#guests.get(tab)?.id === id) this.#guests.delete(tab)
      pipe.close()
      link?.close()
    }
    const end = (end: LinkEnd) => {
      pipe.post({ type: 'closed', end })
      leave()
    }
    const welcome = () => {
      pipe.post({ type: 'accepted', leader: tabs.id })
      if (isOpen) pipe.post({ type: 'opened' })
    }
    welcome()
    link = hub.join(id, {
      onOpen: () => {
        isOpen = true
        pipe.post({ type: 'opened' })
      },
      onFrame: frame => {
        if (!pipe.send(frame)) end('own')
      },
      onClosed: end,
    })
    return { id, welcome, leave }
  }
}
