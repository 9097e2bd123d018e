/** Who is on a document: each state belongs to the session that announced it, and goes with it. */
import type { Person } from '../../shared/person.ts'
import type { Device } from '../access/pass.ts'
import {
  LEFT,
  encodeAwarenessUpdate,
  readAwarenessUpdate,
  type AwarenessEntry,
} from './awareness-update.ts'
import { restamp, soundState, stamp, STAMP_LENGTH_MAX, type Stamp } from './stamp.ts'

/** A connection's hold on a document, as presence sees it. */
export type PresenceSession = {
  /** The principal's id: another session of the same principal may take a state over. */
  readonly principalId: string
  /** Of two tenants, two with one id are two people; undefined: a node of an earlier version did not say. */
  readonly tenant?: string | null | undefined
  /** The node that has the session; undefined: this one. */
  readonly node?: string
  /** May it write? Others may not write under the Yjs client ids that it shows. */
  readonly mayWrite: boolean
}

/** One of this node: its states show who it is, whatever it says. */
export type OwnSession = PresenceSession & {
  readonly person: Person
  /** Says whether its states show on which device they were announced. */
  readonly pass?: { readonly shownDevice: Device | null | undefined }
}

/** A state as nodes tell it to each other. */
export type ToldState = AwarenessEntry &
  Pick<PresenceSession, 'principalId' | 'tenant' | 'mayWrite'>

export type PresenceLimits = {
  readonly stateBytesMax: number
}

type Presence = {
  clock: number
  /** The clock that its client gave it. */
  said: number
  state: string
  owner: PresenceSession
}

/** Sessions of one provider announce one client; a few more are room for odd bindings. */
const CLIENTS_PER_SESSION_MAX = 8
/** States of other nodes' sessions that are kept; a node that tells more is not believed. */
const FOREIGN_MAX = 10_000
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

  /** Is the clock of this client's state later than the one that it knows of itself? */
  isAhead(clientId: number): boolean {
    const known = this.#present.get(clientId)
    return known !== undefined && known.clock > known.said
  }

  has(clientId: number): boolean {
    return this.#present.has(clientId)
  }

  /** Whose state it is; undefined when nobody has announced it. */
  ownerOf(clientId: number): PresenceSession | undefined {
    return this.#present.get(clientId)?.owner
  }

  /** The first client that the session has announced and still owns. */
  clientIdOf(session: PresenceSession): number | undefined {
    for (const [clientId, { owner }] of this.#present) if (owner === session) return clientId
    return undefined
  }

  get size(): number {
    return this.#present.size
  }

  /**
   * Takes an announcement of a session. Returns the clients whose state is to be told to the
   * others. Entries about clients of somebody else are passed over. Throws FRAME_INVALID, or
   * FRAME_TOO_LARGE for a state over the limit.
   */
  announce(session: OwnSession, update: Uint8Array): readonly number[] {
    const { stateBytesMax } = this.#limits
    const entries = readAwarenessUpdate(update).map(entry => ({
      ...entry,
      state: stamp(entry, stampOf(session), stateBytesMax),
    }))
    return entries.filter(entry => this.#take(session, entry)).map(({ clientId }) => clientId)
  }

  /**
   * The session's states anew: its person may be another one, and clients take away whom they have
   * not heard of for half a minute. Returns the clients to tell of.
   */
  refresh(session: OwnSession): readonly number[] {
    const changed: number[] = []
    for (const [clientId, known] of this.#present) {
      if (known.owner !== session) continue
      known.state = restamp(known.state, stampOf(session))
      known.clock += 1
      changed.push(clientId)
    }
    return changed
  }

  /** True when the entry changes what others see. */
  #take(session: PresenceSession, { clientId, clock, state }: AwarenessEntry): boolean {
    const known = this.#present.get(clientId)
    if (known !== undefined && !isSameUser(known.owner, session)) return false
    if (state === LEFT) {
      if (known?.owner !== session) return false
      this.#depart(clientId, known)
      return true
    }
    if (known === undefined) {
      if (this.#countOf(session) >= CLIENTS_PER_SESSION_MAX) return false
      this.#arrive(clientId, { clock, said: clock, state, owner: session })
      return true
    }
    // The newest connection of a person is the one that counts: the old one may be half dead.
    const wasElsewhere = known.owner.node !== session.node
    known.owner = session
    // The old node has to hear that it has lost him, or it would take him along when it lets go.
    if (known.state === state && clock <= known.clock && !wasElsewhere) return false
    known.state = state
    known.said = clock
    known.clock = Math.max(clock, known.clock + 1)
    return true
  }

  /**
   * Takes what another node tells of its sessions; `isWhole`: there is nobody else there. Returns the
   * clients whose state is to be told to the clients of this node.
   */
  hear(
    node: string,
    { states, isWhole }: { readonly states: readonly ToldState[]; readonly isWhole: boolean },
  ): readonly number[] {
    const changed = states.filter(told => this.#hearOne(node, told)).map(({ clientId }) => clientId)
    if (!isWhole) return changed
    const mentioned = new Set(states.map(({ clientId }) => clientId))
    return [...changed, ...this.#departAll(owner => owner.node === node, mentioned)]
  }

  #hearOne(node: string, told: ToldState): boolean {
    const { clientId, clock, principalId, tenant, mayWrite } = told
    const known = this.#present.get(clientId)
    const isOwner = known?.owner.node === node
    if (told.state === LEFT) {
      if (known === undefined || !isOwner) return false
      this.#depart(clientId, known)
      return true
    }
    if (known !== undefined && !isSameUser(known.owner, told)) return false
    const state = soundState(told, this.#limits.stateBytesMax + STAMP_LENGTH_MAX)
    if (state === undefined) return false
    const owner = { principalId, tenant, node, mayWrite }
    if (known === undefined) {
      if (this.#present.size >= FOREIGN_MAX) return false
      this.#arrive(clientId, { clock, said: clock, state, owner })
      return true
    }
    // Somebody who changed the node counts the clock on; what the old node still says is behind it.
    if (!isOwner && clock < known.clock) return false
    known.owner = owner
    if (known.state === state && clock <= known.clock) return false
    known.state = state
    known.said = clock
    known.clock = Math.max(clock, known.clock + 1)
    return true
  }

  /** Who shows himself under this id, if it is somebody of another node who may write. */
  writerElsewhere(clientId: number): string | undefined {
    const owner = this.#present.get(clientId)?.owner
    return owner?.node !== undefined && owner.mayWrite ? owner.principalId : undefined
  }

  /** A node is gone, and everybody with it. Returns the clients to tell of. */
  forgetNode(node: string): readonly number[] {
    return this.#departAll(owner => owner.node === node)
  }

  /** What other nodes are told of these clients: this node's own, and those who left. */
  tell(clientIds: Iterable<number>): readonly ToldState[] {
    const told: ToldState[] = []
    for (const clientId of clientIds) {
      const known = this.#present.get(clientId)
      if (known === undefined) {
        const gone = this.#departed.get(clientId)
        if (gone !== undefined) {
          told.push({ clientId, clock: gone, state: LEFT, principalId: '', mayWrite: false })
        }
      } else if (known.owner.node === undefined) {
        const { clock, state, owner } = known
        const { principalId, tenant, mayWrite } = owner
        told.push({ clientId, clock, state, principalId, tenant, mayWrite })
      }
    }
    return told
  }

  /** All of this node's own. */
  tellAll(): readonly ToldState[] {
    return this.tell(this.#present.keys())
  }

  #arrive(clientId: number, { clock, said, state, owner }: Presence): void {
    const departedAt = this.#departed.get(clientId) ?? -1
    this.#departed.delete(clientId)
    this.#present.set(clientId, { clock: Math.max(clock, departedAt + 1), said, state, owner })
  }

  #departAll(
    isLeaving: (owner: PresenceSession) => boolean,
    except: ReadonlySet<number> = new Set(),
  ): readonly number[] {
    const gone: number[] = []
    for (const [clientId, known] of this.#present) {
      if (!isLeaving(known.owner) || except.has(clientId)) continue
      this.#depart(clientId, known)
      gone.push(clientId)
    }
    return gone
  }

  #countOf(session: PresenceSession): number {
    let count = 0
    for (const { owner } of this.#present.values()) if (owner === session) count += 1
    return count
  }

  /** A session ends: what it announced and still owns leaves. Returns the clients to tell of. */
  leave(session: PresenceSession): readonly number[] {
    return this.#departAll(owner => owner === session)
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

type User = Pick<PresenceSession, 'principalId' | 'tenant'>

function isSameUser(one: User, other: User): boolean {
  if (one.principalId !== other.principalId) return false
  return one.tenant === undefined || other.tenant === undefined || one.tenant === other.tenant
}

function stampOf({ person, pass }: OwnSession): Stamp {
  const device = pass?.shownDevice
  return device === undefined ? { user: person } : { user: person, device }
}
