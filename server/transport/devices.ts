/** On how many devices a user is at once, on this node. */
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import type { Random } from '../../shared/random.ts'

export type DevicesOptions = {
  /** 0: as many as they like. */
  readonly perUserMax: number
  /** Who has to go when there is one too many. */
  readonly whenFull: 'reject' | 'evict-oldest'
  readonly clock: Clock
  readonly random: Random
}

/** One socket of a device. */
export type DeviceSocket = { close(error: WeftError): void }

/** A device with the instant at which it came, ms since 1970. */
export type KnownDevice = { readonly device: string; readonly since: number }

type Device = { readonly since: number; readonly sockets: Set<DeviceSocket> }

/** The devices of a user, oldest first. */
type Own = Map<string, Device>

export class Devices {
  readonly #options: DevicesOptions
  readonly #users = new Map<string, Own>()
  /** Of devices that do not say which they are: another one on each node. */
  readonly #prefix: string
  #anonymous = 0

  constructor(options: DevicesOptions) {
    this.#options = options
    this.#prefix = options.random.id()
  }

  /** Those of this node, oldest first. */
  of(user: string): readonly KnownDevice[] {
    return [...(this.#users.get(user) ?? [])].map(([device, { since }]) => ({ device, since }))
  }

  /**
   * A socket of a known user; to be called again with what it answers. Sockets that name the same device
   * count once, one that names none is a device of its own. Throws TOO_MANY_DEVICES, or ends the
   * oldest with it.
   */
  join(user: string, given: string | undefined, socket: DeviceSocket): () => void {
    const { perUserMax, whenFull, clock } = this.#options
    if (perUserMax === 0) return () => {}
    const own: Own = this.#users.get(user) ?? new Map<string, Device>()
    const name = given ?? `${this.#prefix} ${(this.#anonymous += 1)}`
    const known = own.get(name)
    if (known === undefined && own.size >= perUserMax) {
      if (whenFull === 'reject') throw tooMany(perUserMax)
      const [oldest] = own.keys()
      if (oldest !== undefined) this.end(user, oldest)
    }
    const device = known ?? { since: clock.now(), sockets: new Set<DeviceSocket>() }
    device.sockets.add(socket)
    own.set(name, device)
    this.#users.set(user, own)
    return () => {
      device.sockets.delete(socket)
      if (device.sockets.size > 0 || own.get(name) !== device) return
      own.delete(name)
      if (own.size === 0 && this.#users.get(user) === own) this.#users.delete(user)
    }
  }

  /** Sends a device off, if it is here: there are too many. */
  end(user: string, name: string): void {
    const own = this.#users.get(user)
    const device = own?.get(name)
    if (own === undefined || device === undefined) return
    // Before they are told: their leaving must not find them.
    own.delete(name)
    if (own.size === 0) this.#users.delete(user)
    for (const socket of device.sockets) socket.close(tooMany(this.#options.perUserMax))
  }
}

function tooMany(max: number): WeftError {
  return new WeftError('TOO_MANY_DEVICES', `this user may be on ${max} devices at once`)
}
