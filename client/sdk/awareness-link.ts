/** Presence over a connection: our state goes out, the others' come in, and leave with the socket. */
import { applyAwarenessUpdate, encodeAwarenessUpdate, type Awareness } from 'y-protocols/awareness'
import type { ServerHello } from '../../shared/protocol.ts'

/** Origin of everything that comes from the server: it is not sent back. */
export const REMOTE = Symbol('weft: from the server')

type AwarenessChanges = {
  readonly added: readonly number[]
  readonly updated: readonly number[]
  readonly removed: readonly number[]
}

export class AwarenessLink {
  readonly #awareness: Awareness
  readonly #stopWatching: () => void
  /** As the server said last. */
  #person: ServerHello['you']

  /** `send` is given the bytes of each change that was made here. */
  constructor(awareness: Awareness, send: (update: Uint8Array) => void) {
    this.#awareness = awareness
    const onUpdate = ({ added, updated, removed }: AwarenessChanges, origin: unknown) => {
      if (origin === REMOTE) return
      send(encodeAwarenessUpdate(awareness, [...added, ...updated, ...removed]))
    }
    awareness.on('update', onUpdate)
    this.#stopWatching = () => awareness.off('update', onUpdate)
  }

  /** Tells of us with a higher clock than before, so that peers who saw us leave see us again. */
  announce(): void {
    const state = this.#awareness.getLocalState()
    if (state !== null) this.#awareness.setLocalState(state)
  }

  /**
   * Who the server says we are. Others see that, whatever we say; so it is seen here as well, unless
   * the application says who it is. Nothing is sent: the server knows.
   */
  introduce(person: ServerHello['you']): void {
    const { clientID, states } = this.#awareness
    const state = this.#awareness.getLocalState()
    if (person === undefined || state === null) return
    if (state['user'] !== undefined && state['user'] !== this.#person) return
    this.#person = person
    states.set(clientID, { ...state, user: person })
    const changes: AwarenessChanges = { added: [], updated: [clientID], removed: [] }
    this.#awareness.emit('change', [changes, REMOTE])
  }

  receive(update: Uint8Array): void {
    try {
      applyAwarenessUpdate(this.#awareness, update, REMOTE)
    } catch {
      // Who else is here is not worth a connection: the next announcement says it again.
    }
  }

  /** Without a connection nobody else is seen. */
  forgetOthers(): void {
    const { clientID, states, meta } = this.#awareness
    const others = [...states.keys()].filter(id => id !== clientID)
    if (others.length === 0) return
    for (const id of others) {
      states.delete(id)
      // Their clocks too: a server that was started anew counts from the beginning.
      meta.delete(id)
    }
    const changes: AwarenessChanges = { added: [], updated: [], removed: others }
    this.#awareness.emit('change', [changes, REMOTE])
    this.#awareness.emit('update', [changes, REMOTE])
  }

  close(): void {
    this.#stopWatching()
  }
}
