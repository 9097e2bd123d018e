/** Presence of programs, which have no connection that would end: it ends by itself. */
import type { Principal } from '../../shared/permissions.ts'
import type { Situation } from '../access/pass.ts'
import type { DocumentName } from '../../shared/names.ts'

export const AGENT_TTL_MS_MIN = 1_000
export const AGENT_TTL_MS_MAX = 600_000

export type AgentOrder = {
  readonly principal: Principal
  readonly situation: Situation
  readonly document: DocumentName
  /** The principal's own name for this presence: it may be on a document several times. */
  readonly id: string
  readonly state: Readonly<Record<string, unknown>>
  /** Gone after so long, unless it is said again. */
  readonly ttlMs: number
  /** Aborts when whoever asked has left. */
  readonly signal: AbortSignal
}

export type AgentReceipt = {
  /** Under which awareness shows it. */
  readonly clientId: number
  /** Ms since 1970. */
  readonly expiresAt: number
}

export interface AgentPresence {
  /**
   * Throws FORBIDDEN without the right to read and to comment or write, what opening the document
   * throws, FRAME_TOO_LARGE for a large state, and SLOW_DOWN with too many of them.
   */
  announce(order: AgentOrder): Promise<AgentReceipt>
  /** On whichever node it is; nothing when it is on none. */
  leave(agent: Pick<AgentOrder, 'principal' | 'document' | 'id'>): void
}
