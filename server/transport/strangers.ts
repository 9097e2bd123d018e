/** Sockets that have shown no token yet: whoever only opens them must not fill the house. */
import { WeftError } from '../../shared/errors.ts'
import type { ClientSocket } from './client-socket.ts'

export type StrangerLimits = {
  /** In all, and from one network. */
  readonly unknownMax: number
  readonly unknownPerAddressMax: number
}

export class Strangers {
  readonly #limits: StrangerLimits
  /** With the networks that they came from; the oldest first. */
  readonly #networks = new Map<ClientSocket, string>()

  constructor(limits: StrangerLimits) {
    this.#limits = limits
  }

  /** Makes room for one more of that network. Throws SLOW_DOWN where there is none. */
  admit(network: string): void {
    const { unknownMax, unknownPerAddressMax } = this.#limits
    const own = this.#countOf(network)
    const isFull = this.#networks.size >= unknownMax
    if (own < unknownPerAddressMax && (!isFull || this.#makeRoom(own))) return
    throw crowded()
  }

  add(socket: ClientSocket, network: string): void {
    this.#networks.set(socket, network)
  }

  /** It is known, or gone. */
  delete(socket: ClientSocket): void {
    this.#networks.delete(socket)
  }

  #countOf(network: string): number {
    let count = 0
    for (const other of this.#networks.values()) if (other === network) count += 1
    return count
  }

  /**
   * A house full of silent strangers stays open to others: the network with the most of them gives
   * up its oldest. False when the newcomer's has as many.
   */
  #makeRoom(own: number): boolean {
    const crowds = new Map<string, number>()
    for (const network of this.#networks.values()) {
      crowds.set(network, (crowds.get(network) ?? 0) + 1)
    }
    const most = Math.max(...crowds.values())
    if (most <= own + 1) return false
    for (const [oldest, network] of this.#networks) {
      if (crowds.get(network) !== most) continue
      this.#networks.delete(oldest)
      oldest.close(crowded())
      return true
    }
    return false
  }
}

function crowded(): WeftError {
  const sentence = 'too many sockets have shown no token yet'
  return new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 })
}
