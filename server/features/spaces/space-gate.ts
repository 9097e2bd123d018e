/** Who may be in a space just now: asked of everybody who opens its document, and again when it changes. */
import type { Cancel, Clock } from '../../../shared/clock.ts'
import type { SpaceName } from '../../../shared/names.ts'
import { ownerOf, systemName } from '../../../shared/system-names.ts'
import type { Pass } from '../../access/pass.ts'
import type { Logger } from '../../base/log.ts'
import { endingOf, requireOpen, type Space } from './space.ts'
import type { Entry, Seats } from './seats.ts'

export type SpaceGateOptions = {
  readonly store: { get(name: SpaceName): Promise<Space | undefined> }
  readonly seats: Pick<Seats, 'hold'>
  readonly clock: Clock
  readonly log: Logger
}

type Guest = {
  readonly pass: Pass
  /** False while they are at the door: there it is asked whether there is room. */
  isIn: boolean
  /** Undefined: they need none, as far as is known. */
  seat: Cancel | undefined
}

/** A space with somebody of this node in it. */
type Watch = {
  readonly guests: Set<Guest>
  cancelRetry: Cancel
  /** The look that is under way, and whether something has changed since it began. */
  isLooking: boolean
  isStale: boolean
  /** How often something has changed. */
  changes: number
}

/** Where the store could not be asked. */
const AGAIN_MS = 1_000

export class SpaceGate {
  readonly #options: SpaceGateOptions
  readonly #watches = new Map<SpaceName, Watch>()

  constructor(options: SpaceGateOptions) {
    this.#options = options
  }

  /**
   * Takes them in for as long as their pass is open. Passes of other documents go by. Throws SPACE_CLOSED,
   * SPACE_FULL, and what reading the store throws.
   */
  async receive(pass: Pass): Promise<void> {
    const system = systemName(pass.name)
    if (system?.kind !== 'space') return
    const { space } = system
    const { store, clock } = this.#options
    const watch = this.#watch(space)
    const guest: Guest = { pass, isIn: false, seat: undefined }
    // Before the space is read: a change that comes meanwhile finds them.
    watch.guests.add(guest)
    pass.listen(() => this.#changed(space, watch))
    pass.whenClosed(() => this.#leave(space, watch, guest))
    const { changes } = watch
    const found = await store.get(space)
    requireOpen(found, clock.now())
    // By the pass itself: it waits for that instant, and its rules may end at the same one.
    pass.endAt(endingOf(found))
    if (found !== undefined) await this.#seat(watch, guest, { found, entry: 'if there is room' })
    guest.isIn = true
    if (changes !== watch.changes) this.#changed(space, watch)
  }

  #watch(space: SpaceName): Watch {
    const known = this.#watches.get(space)
    if (known !== undefined) return known
    const watch: Watch = {
      guests: new Set(),
      cancelRetry: () => {},
      isLooking: false,
      isStale: false,
      changes: 0,
    }
    this.#watches.set(space, watch)
    return watch
  }

  #leave(space: SpaceName, watch: Watch, guest: Guest): void {
    watch.guests.delete(guest)
    guest.seat?.()
    if (watch.guests.size > 0) return
    watch.cancelRetry()
    if (this.#watches.get(space) === watch) this.#watches.delete(space)
  }

  async #seat(
    watch: Watch,
    guest: Guest,
    { found, entry }: { readonly found: Space; readonly entry: Entry },
  ): Promise<void> {
    if (found.maxSize === null) return giveUpSeat(guest)
    if (guest.seat !== undefined) return
    const { principal } = guest.pass
    const seat = { space: found.name, principal: ownerOf(principal) }
    const leave = await this.#options.seats.hold(seat, entry)
    // They may have left while they waited for it, or have got one by another way.
    if (guest.seat === undefined && watch.guests.has(guest)) guest.seat = leave
    else leave()
  }

  /** One look at a time; what changes during one is looked at after it. */
  #changed(space: SpaceName, watch: Watch): void {
    watch.isStale = true
    watch.changes += 1
    if (watch.isLooking || watch.guests.size === 0) return
    watch.isLooking = true
    void this.#look(space, watch).finally(() => {
      watch.isLooking = false
      if (watch.isStale) this.#changed(space, watch)
    })
  }

  /** Never rejects. */
  async #look(space: SpaceName, watch: Watch): Promise<void> {
    watch.isStale = false
    const { store, clock, log } = this.#options
    try {
      const found = await store.get(space)
      for (const guest of Array.from(watch.guests)) {
        guest.pass.endAt(endingOf(found))
        if (!watch.guests.has(guest) || !guest.isIn) continue
        if (found === undefined) giveUpSeat(guest)
        else await this.#seat(watch, guest, { found, entry: 'in any case' })
      }
    } catch (error) {
      log.warn({ err: error, space }, 'a space that has changed could not be read')
      watch.cancelRetry()
      watch.cancelRetry = clock.after(AGAIN_MS, () => this.#changed(space, watch))
    }
  }
}

function giveUpSeat(guest: Guest): void {
  guest.seat?.()
  guest.seat = undefined
}
