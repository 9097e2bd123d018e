/** One row of the audit log: what it says, and the hash that ties it to the row before. */
import { createHash } from 'node:crypto'
import type { Capability, Principal, PrincipalKind } from '../../shared/permissions.ts'

/** What somebody did or was refused. What is left out is null in the row. */
export type AuditEvent = {
  readonly actor: string
  /** `anonymous`: nobody known yet; `system`: the server by itself. */
  readonly actorKind: PrincipalKind | 'anonymous' | 'system'
  /** Subject and verb, such as `grant.create`, `document.open`, `token.revoke`. */
  readonly action: string
  readonly document?: string | null
  readonly capability?: Capability | null
  readonly decision: 'allow' | 'deny'
  /** A sentence: which grant or rule decided. */
  readonly because?: string | null
  readonly address?: string | null
  /** The token's `jti`; the token itself is never in an event. */
  readonly tokenId?: string | null
  readonly requestId?: string | null
  /** Anything that JSON can hold, and no secret. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** An event with the instant at which it happened, ms since 1970. */
export type TimedEvent = AuditEvent & { readonly at: number }

/** Where the chain ends; seq 0 when there is no row. */
export type AuditHead = {
  readonly seq: number
  /** Of its last row, ms since 1970. */
  readonly at: number
  readonly hash: string
}

export type AuditFacts = {
  /** 1, 2, 3, without gaps. */
  readonly seq: number
  readonly at: number
  readonly actor: string
  readonly actorKind: string
  readonly action: string
  readonly document: string | null
  readonly capability: string | null
  readonly decision: string
  readonly because: string | null
  readonly address: string | null
  readonly tokenId: string | null
  readonly requestId: string | null
  /** JSON of an object. */
  readonly details: string
}

export type AuditRow = AuditFacts & {
  readonly prevHash: string
  /** See {@link hashOf}. */
  readonly hash: string
}

export const EMPTY_HEAD: AuditHead = { seq: 0, at: 0, hash: '0'.repeat(64) }

const FIELDS: (keyof AuditFacts)[] = [
  'seq',
  'at',
  'actor',
  'actorKind',
  'action',
  'document',
  'capability',
  'decision',
  'because',
  'address',
  'tokenId',
  'requestId',
  'details',
]

/**
 * SHA-256, in hex, of the hash before followed by the canonical JSON of the row: its fields in the order
 * of {@link FIELDS}, without space, as `JSON.stringify` writes them.
 */
export function hashOf(prevHash: string, facts: AuditFacts): string {
  return createHash('sha256')
    .update(prevHash + JSON.stringify(facts, FIELDS))
    .digest('hex')
}

/** The rows that these events make after `head`, in their order. */
export function chain(head: AuditHead, events: readonly TimedEvent[]): readonly AuditRow[] {
  const rows: AuditRow[] = []
  let { seq, hash } = head
  for (const event of events) {
    seq += 1
    const facts = toFacts(seq, event)
    const prevHash = hash
    hash = hashOf(prevHash, facts)
    rows.push({ ...facts, prevHash, hash })
  }
  return rows
}

/** Who a principal is, for an event. */
export function byPrincipal({ id, kind, tokenId }: Principal) {
  return { actor: id, actorKind: kind, tokenId } as const
}

function toFacts(seq: number, event: TimedEvent): AuditFacts {
  const { at, actor, actorKind, action, decision } = event
  return {
    seq,
    at,
    actor: storable(actor),
    actorKind,
    action: storable(action),
    document: storableOrNull(event.document),
    capability: event.capability ?? null,
    decision,
    because: storableOrNull(event.because),
    address: storableOrNull(event.address),
    tokenId: storableOrNull(event.tokenId),
    requestId: storableOrNull(event.requestId),
    details: detailsText(event.details ?? {}),
  }
}

const TEXT_MAX = 1_024
const DETAILS_MAX = 8_192

/** As both databases give it back, unchanged: the hash is of what was said before it was stored. */
function storable(text: string): string {
  return text.slice(0, TEXT_MAX).toWellFormed().replaceAll('\0', '\u{fffd}')
}

function storableOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : storable(text)
}

/** JSON escapes whatever a database could not hold. What is too long is not cut into nonsense. */
function detailsText(details: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(details)
  return text.length <= DETAILS_MAX ? text : JSON.stringify({ leftOutCharacters: text.length })
}
