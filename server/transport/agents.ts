/** Programs that are present on documents through this node, each for as long as it said. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { ownerOf, systemName } from '../../shared/system-names.ts'
import type { StopReport } from '../base/life-cycle.ts'
import type { Gatekeeper } from '../access/gatekeeper.ts'
import type { Pass } from '../access/pass.ts'
import type { Openings } from '../documents/openings.ts'
import type { AgentOrder, AgentPresence, AgentReceipt } from '../presence/agent-presence.ts'
import type { AgentAddress } from '../presence/people-message.ts'
import { AgentSession, mayBePresent } from './agent-session.ts'
import type { Rooms } from './rooms.ts'

export type AgentsOptions = {
  readonly gatekeeper: Pick<Gatekeeper, 'admit'>
  readonly openings: Pick<Openings, 'open'>
  readonly rooms: Pick<Rooms, 'of'>
  readonly clock: Clock
  /** Other nodes may have it too. */
  readonly tellLeft: (agent: AgentAddress) => void
}

/** Each keeps its document in memory. */
const AGENTS_MAX = 5_000
const AGENTS_PER_PRINCIPAL_MAX = 200

export class Agents implements AgentPresence {
  readonly #options: AgentsOptions
  readonly #sessions = new Map<string, AgentSession>()
  /** Sessions and openings of each principal. */
  readonly #counts = new Map<string, number>()
  #isStopping = false

  constructor(options: AgentsOptions) {
    this.#options = options
  }

  async announce(order: AgentOrder): Promise<AgentReceipt> {
    const { gatekeeper, clock } = this.#options
    const { principal, document, situation, ttlMs } = order
    const pass = await gatekeeper.admit(principal, document, situation)
    const key = keyOf(addressOf(order))
    let taken: AgentSession | undefined
    try {
      requirePresence(pass)
      await this.#sessions.get(key)?.renew(pass)
      taken = this.#sessions.has(key) ? undefined : await this.#open(order, pass)
      const session = taken ?? this.#sessions.get(key)
      if (session === undefined) throw gone(ttlMs)
      session.say(JSON.stringify(order.state), ttlMs)
      taken = undefined
      return { clientId: clientIdOf(addressOf(order)), expiresAt: clock.now() + ttlMs }
    } finally {
      // A new session has the pass, and does not outlive a state that was refused.
      taken?.end()
      if (this.#sessions.get(key)?.pass !== pass) pass.close()
    }
  }

  leave(agent: Pick<AgentOrder, 'principal' | 'document' | 'id'>): void {
    const address = addressOf(agent)
    this.left(address)
    this.#options.tellLeft(address)
  }

  /** Another node says so. */
  left(address: AgentAddress): void {
    this.#sessions.get(keyOf(address))?.end()
  }

  stop(): StopReport {
    this.#isStopping = true
    for (const session of Array.from(this.#sessions.values())) session.end()
    return []
  }

  /** Undefined when another request has been faster. */
  async #open(order: AgentOrder, pass: Pass): Promise<AgentSession | undefined> {
    const { openings, rooms, clock } = this.#options
    const { principal, document, signal } = order
    const uncount = this.#count(ownerOf(principal))
    try {
      // The system's documents are there as soon as somebody may open them.
      const create = () => systemName(document) !== undefined && pass.decide('create').allowed
      const hold = await openings.open(document, {
        by: principal.id,
        user: ownerOf(principal),
        create,
        signal,
      })
      try {
        // Opening may have taken a while, and access may have ended meanwhile.
        requirePresence(pass)
        if (this.#isStopping) throw new WeftError('SHUTTING_DOWN', 'the server is shutting down')
        const address = addressOf(order)
        const key = keyOf(address)
        if (this.#sessions.has(key)) {
          hold.release()
          uncount()
          return undefined
        }
        const session = new AgentSession({
          clientId: clientIdOf(address),
          pass,
          hold,
          room: rooms.of(hold.document),
          clock,
          onEnd: () => {
            uncount()
            if (this.#sessions.get(key) === session) this.#sessions.delete(key)
          },
        })
        this.#sessions.set(key, session)
        pass.noteOpening()
        return session
      } catch (error) {
        hold.release()
        throw error
      }
    } catch (error) {
      uncount()
      throw error
    }
  }

  #count(user: string): () => void {
    const count = this.#counts.get(user) ?? 0
    if (count >= AGENTS_PER_PRINCIPAL_MAX || this.#sessions.size >= AGENTS_MAX) {
      const sentence = `${count} agents of ${user} are present, ${this.#sessions.size} in all`
      throw new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 })
    }
    this.#counts.set(user, count + 1)
    return () => {
      const left = (this.#counts.get(user) ?? 1) - 1
      if (left > 0) this.#counts.set(user, left)
      else this.#counts.delete(user)
    }
  }
}

function requirePresence(pass: Pass): void {
  pass.require('read')
  if (mayBePresent(pass)) return
  throw pass.refusal('comment') ?? new WeftError('FORBIDDEN', 'read only')
}

function gone(afterMs: number): WeftError {
  return new WeftError('SLOW_DOWN', 'it has just left', { retryAfterMs: Math.min(afterMs, 1_000) })
}

function addressOf({ principal, document, id }: Pick<AgentOrder, 'principal' | 'document' | 'id'>) {
  return { principalId: principal.id, tenant: principal.tenant, document, id }
}

function keyOf({ principalId, tenant, document, id }: AgentAddress): string {
  return JSON.stringify([principalId, document, id, ...(tenant === null ? [] : [tenant])])
}

/** The same on every node, and beyond the 32 bits of Yjs clients: it is nobody else's. */
function clientIdOf(address: AgentAddress): number {
  const digest = createHash('sha256').update(keyOf(address)).digest()
  return 2 ** 48 + digest.readUIntBE(0, 6)
}
