/** One connection between sockets that are not there: its delays, and what becomes of each frame. */
import { integerBetween, type Random } from '../../shared/random.ts'
import { cutFrame } from './cut-frame.ts'
import type { EventLog } from './event-log.ts'
import type { Schedule, Scope } from './schedule.ts'

/** How often, of all frames, something happens to one of them inside a live connection. */
export type FrameFaults = {
  readonly drop: number
  readonly twice: number
  readonly cut: number
  readonly late: number
}

/** What stands between one client and the server. */
export type Weather = {
  latencyMsMax: number
  /** Connecting fails at once, or nothing is ever heard of it. */
  reachable: 'yes' | 'refused' | 'silent'
  frames: FrameFaults
}

export const fairFrames: FrameFaults = { drop: 0, twice: 0, cut: 0, late: 0 }
export const fairWeather = (): Weather => ({
  latencyMsMax: 10,
  reachable: 'yes',
  frames: fairFrames,
})

export type WireOptions = {
  readonly schedule: Schedule
  readonly random: Random
  readonly log: EventLog
  /** The network's own work belongs to nobody who may crash. */
  readonly scope: Scope
}

type Side = 'client' | 'server'

/** Both ends hold it. */
export class Wire {
  readonly client: string
  readonly scopes: Record<Side, Scope>
  readonly weather: Weather
  /** Nobody hears anything any more, and nobody is told. */
  silent = false
  /** The connection is gone: what is on its way is lost. */
  cut = false
  /** Sent, and not yet heard. */
  readonly bytes: Record<Side, number> = { client: 0, server: 0 }
  readonly #options: WireOptions
  readonly #lastAt: Record<Side, number> = { client: 0, server: 0 }

  constructor(
    options: WireOptions,
    parts: { client: string; scopes: Record<Side, Scope>; weather: Weather },
  ) {
    this.#options = options
    this.client = parts.client
    this.scopes = parts.scopes
    this.weather = parts.weather
  }

  get isDead(): boolean {
    return this.silent || this.cut
  }

  /** In order and after a while. Things that are no frames (`bytes` is null) always pass. */
  carry(to: Side, bytes: Uint8Array | null, hear: (bytes: Uint8Array) => void): void {
    if (this.isDead) return
    const { random } = this.#options
    const { frames, latencyMsMax } = this.weather
    const fate = bytes === null ? 'pass' : fateOf(random, frames)
    const length = bytes?.byteLength ?? 0
    const arrow = to === 'server' ? '->' : '<-'
    const told = `${arrow} ${length} bytes${fate === 'pass' ? '' : ` ${fate}`}`
    // Pings and their answers have one byte, or none.
    this.#options.log.add(this.client, told, length > 1 ? 'told' : 'quiet')
    if (fate === 'drop') return
    // Zero is common: then several things happen in one moment.
    const delay = random.next() < 0.3 ? 0 : integerBetween(random, 0, latencyMsMax)
    const { elapsed } = this.#options.schedule
    const inOrder = Math.max(this.#lastAt[to], elapsed + delay)
    if (fate !== 'late') this.#lastAt[to] = inOrder
    const dueIn = inOrder - elapsed + (fate === 'late' ? integerBetween(random, 1, 200) : 0)
    const heard = fate === 'cut' ? cutFrame(random, bytes!) : (bytes ?? new Uint8Array())
    for (let i = 0; i < (fate === 'twice' ? 2 : 1); i++) {
      this.bytes[to] += length
      this.#options.schedule.after(this.#options.scope, dueIn, () => {
        this.bytes[to] -= length
        if (!this.isDead && this.scopes[to].alive) hear(heard)
      })
    }
  }

  /** Tells one end that the connection is gone, whatever became of the connection. */
  tell(side: Side, action: () => void): void {
    const { schedule, random } = this.#options
    schedule.after(this.scopes[side], integerBetween(random, 0, this.weather.latencyMsMax), action)
  }
}

function fateOf(random: Random, { drop, twice, cut, late }: FrameFaults) {
  if (drop + twice + cut + late === 0) return 'pass'
  let at = random.next()
  for (const [fate, share] of Object.entries({ drop, twice, cut, late })) {
    if (at < share) return fate as keyof FrameFaults
    at -= share
  }
  return 'pass'
}
