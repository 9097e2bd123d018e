/** What REST says of spaces and devices, and the sdk hands on. Instants are ISO 8601. */

export type SpaceView = {
  readonly name: string
  /** What is null was not said: a space is there as soon as somebody may read it. */
  readonly title: string | null
  readonly createdBy: string | null
  readonly createdAt: string | null
  /** How many people may have it open at once. */
  readonly maxSize: number | null
  readonly expiresAt: string | null
  readonly status: 'active' | 'closed' | 'expired'
  readonly joining: 'invite' | 'open'
  /** What joining gives; null where nobody joins by themselves. */
  readonly joinRole: 'viewer' | 'commenter' | 'editor' | null
}

export type SpaceDetailsView = SpaceView & {
  readonly memberCount: number
  readonly presentCount: number
}

export type SpaceMemberView = {
  readonly user: string
  /** As they show themselves, when they are there. */
  readonly name: string | null
  /** null: single capabilities, or several roles. */
  readonly role: string | null
  readonly grantedBy: string
  readonly since: string
  readonly expiresAt: string | null
  readonly present: boolean
}

/** What somebody has after joining; null: as before, which is as much or more. */
export type JoinedView = { readonly role: string | null }

export type DeviceView = {
  readonly id: string
  readonly name: string | null
  /** Since when it is here, ms since 1970. */
  readonly since: number
  readonly documents: readonly string[]
}
