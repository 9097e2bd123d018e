/** What happens to access, by the names under which it is told to others. A closed list. */
export const accessEvents = [
  /** Somebody asks. */
  'access.requested',
  /** The present step is over, and others are asked too. */
  'access.escalated',
  'access.granted',
  'access.denied',
  /** Nobody answered in time. */
  'access.expired',
  'access.cancelled',
  /** Given in an emergency: to be looked at. */
  'access.review',
  /** It was looked at, and stays until its end. */
  'access.confirmed',
  /** Taken back before its end. */
  'access.revoked',
  /** Its end has come. */
  'access.ended',
] as const
export type AccessEventName = (typeof accessEvents)[number]

/** Says what happened to which request; what else there is to know stands in the request. */
export type AccessEvent = {
  readonly name: AccessEventName
  /** Ms since 1970. */
  readonly at: number
  readonly requestId: string
  readonly resource: string
  /** Who asked for access: the subject of a token. */
  readonly requestedBy: string
  /** Who did it; `weft` when it was the clock. */
  readonly actor: string
}
