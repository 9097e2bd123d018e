/** Who is on a document: each state belongs to the session that announced it, and goes with it. */
import { WeftError } from '../../shared/errors.ts'
import {
  LEFT,
  encodeAwarenessUpdate,
  readAwarenessUpdate,
  type AwarenessEntry,
} from './awareness-update.ts'
import { cleanState } from './clean-state.ts'

/** A connection's hold on a document, as presence sees it. */
export type PresenceSession = {
  /** The principal's id: another session of the same principal may take a state over. */
  readonly principalId: string
}

export type PresenceLimits = {
  readonly stateBytesMax: number
}

type State = { readonly [field: string]: unknown }

type Presence = {
  clock: number
  state: string
  owner: PresenceSession
}

/** Sessions of one provider announce one client; a few more are room for odd bindings. */
const CLIENTS_PER_SESSION_MAX = 8
/** How many departed clients' clocks are remembered. */
const DEPARTED_MAX = 1_000

export class DocumentPresence {
  readonly #limits: PresenceLimits
  readonly #present = new Map<number, Presence>()
  /**
   * Clocks of those who left. A client that comes back announces itself with the clock it had, and
   * peers ignore a clock they have seen leave: so it gets the next one.
   */
  readonly #departed = new Map<number, number>()

  constructor(limits: PresenceLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#present.size
  }

  /**
   * Takes an announcement of a session. Returns the clients whose state is to be told to the
   * others. Entries about clients of somebody else are passed over. Throws FRAME_INVALID, or
   * FRAME_TOO_LARGE for a state over the limit.
   */
  announce(session: PresenceSession, update: Uint8Array): readonly number[] {
    const entries = readAwarenessUpdate(update).map(entry => this.#checked(entry))
    return entries.filter(entry => this.#take(session, entry)).map(({ clientId }) => clientId)
  }

  #checked(entry: AwarenessEntry): AwarenessEntry {
    const { stateBytesMax } = this.#limits
    const { length } = entry.state
    if (length > stateBytesMax) {
      const sentence = `a presence state of ${length} characters`
      throw new WeftError('FRAME_TOO_LARGE', `${sentence}; the limit is ${stateBytesMax}`)
    }
    const state = readState(entry)
    if (state === null) return entry
    const cleaned = cleanState(state)
    return cleaned === state ? entry : { ...entry, state: JSON.stringify(cleaned) }
  }

  /** True when the entry changes what others see. */
  #take(session: PresenceSession, { clientId, clock, state }: AwarenessEntry): boolean {
    const known = this.#present.get(clientId)
    if (known !== undefined && known.owner.principalId !== session.principalId) return false
    if (state === LEFT) {
      if (known?.owner !== session) return false
      this.#depart(clientId, known)
      return true
    }
    if (known === undefined) {
      if (this.#countOf(session) >= CLIENTS_PER_SESSION_MAX) return false
      const departedAt = this.#departed.get(clientId) ?? -1
      this.#departed.delete(clientId)
      const next = Math.max(clock, departedAt + 1)
      this.#present.set(clientId, { clock: next, state, owner: session })
      return true
    }
    // The newest connection of a person is the one that counts: the old one may be half dead.
    known.owner = session
    if (known.state === state && clock <= known.clock) return false
    known.state = state
    known.clock = Math.max(clock, known.clock + 1)
    return true
  }

  #countOf(session: PresenceSession): number {
    let count = 0
    for (const { owner } of this.#present.values()) if (owner === session) count += 1
    return count
  }

  /** A session ends: what it announced and still owns leaves. Returns the clients to tell of. */
  leave(session: PresenceSession): readonly number[] {
    const gone: number[] = []
    for (const [clientId, known] of this.#present) {
      if (known.owner !== session) continue
      this.#depart(clientId, known)
      gone.push(clientId)
    }
    return gone
  }

  #depart(clientId: number, { clock }: Presence): void {
    this.#present.delete(clientId)
    this.#departed.set(clientId, clock)
    for (const oldest of this.#departed.keys()) {
      if (this.#departed.size <= DEPARTED_MAX) break
      this.#departed.delete(oldest)
    }
  }

  /** What to send about these clients; departed ones as such. */
  encode(clientIds: Iterable<number>): Uint8Array {
    const entries: AwarenessEntry[] = []
    for (const clientId of clientIds) {
      const known = this.#present.get(clientId)
      const clock = known?.clock ?? this.#departed.get(clientId)
      if (clock === undefined) continue
      entries.push({ clientId, clock, state: known?.state ?? LEFT })
    }
    return encodeAwarenessUpdate(entries)
  }

  /** Everybody, for those who join; undefined when nobody is there. */
  encodeAll(): Uint8Array | undefined {
    return this.#present.size === 0 ? undefined : this.encode(this.#present.keys())
  }
}

/** Every client parses what it is told of the others: one bad state would throw in all of them. */
function readState({ state, clock }: AwarenessEntry): State | null {
  if (clock > CLOCK_MAX) throw new WeftError('FRAME_INVALID', `a presence clock of ${clock}`)
  try {
    const parsed: unknown = JSON.parse(state)
    if (typeof parsed === 'object' && !Array.isArray(parsed)) return parsed as State | null
  } catch (error) {
    throw new WeftError('FRAME_INVALID', 'a presence state that is no JSON', { cause: error })
  }
  throw new WeftError('FRAME_INVALID', 'a presence state that is neither an object nor null')
}

/** Room for the clocks that are counted on from it. */
const CLOCK_MAX = 2 ** 52
