/** On how many devices a user is at once, on this node. */
import { WeftError } from '../../shared/errors.ts'

export type DevicesOptions = {
  /** 0: as many as they like. */
  readonly perUserMax: number
  /** Who has to go when there is one too many. */
  readonly whenFull: 'reject' | 'evict-oldest'
}

/** One socket of a device. */
export type DeviceSocket = { close(error: WeftError): void }

/** The sockets of each device, oldest device first. */
type Own = Map<string, Set<DeviceSocket>>

export class Devices {
  readonly #options: DevicesOptions
  readonly #users = new Map<string, Own>()

  constructor(options: DevicesOptions) {
    this.#options = options
  }

  /**
   * A socket of a known user; to be called again with {@link leave}. Sockets that name the same device
   * count once, one that names none is a device of its own. Throws TOO_MANY_DEVICES, or ends the
   * oldest with it.
   */
  join(user: string, device: string | undefined, socket: DeviceSocket): () => void {
    const { perUserMax, whenFull } = this.#options
    if (perUserMax === 0) return () => {}
    const own: Own = this.#users.get(user) ?? new Map<string, Set<DeviceSocket>>()
    this.#users.set(user, own)
    const name = device ?? `socket ${(this.#anonymous += 1)}`
    const known = own.get(name)
    if (known === undefined && own.size >= perUserMax) {
      if (whenFull === 'reject') throw tooMany(perUserMax)
      this.#evictOldest(own)
    }
    const sockets = known ?? new Set<DeviceSocket>()
    sockets.add(socket)
    own.set(name, sockets)
    return () => this.#leave(user, { own, name, socket })
  }

  #anonymous = 0

  #evictOldest(own: Own): void {
    const [oldest] = own
    if (oldest === undefined) return
    const [name, sockets] = oldest
    // Before they are told: their leaving must not find them.
    own.delete(name)
    for (const socket of sockets) socket.close(tooMany(this.#options.perUserMax))
  }

  #leave(
    user: string,
    { own, name, socket }: { own: Own; name: string; socket: DeviceSocket },
  ): void {
    const sockets = own.get(name)
    sockets?.delete(socket)
    if (sockets?.size === 0) own.delete(name)
    if (own.size === 0 && this.#users.get(user) === own) this.#users.delete(user)
  }
}

function tooMany(max: number): WeftError {
  return new WeftError('TOO_MANY_DEVICES', `this user may be on ${max} devices at once`)
}
