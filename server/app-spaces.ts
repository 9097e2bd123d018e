/** Spaces: the gate that everybody passes, and what is said of them over REST. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import type { Gatekeeper } from './access/gatekeeper.ts'
import type { GrantStore } from './access/grants/grant-store.ts'
import type { Grants } from './access/grants/grants.ts'
import type { Pass } from './access/pass.ts'
import type { RuleSource } from './access/policy.ts'
import type { Audit } from './audit/audit.ts'
import type { Logger } from './base/log.ts'
import type { Database } from './database/database.ts'
import type { Documents } from './documents/documents.ts'
import { Members } from './features/spaces/members.ts'
import { Seats } from './features/spaces/seats.ts'
import { SpaceGate } from './features/spaces/space-gate.ts'
import { SpaceStore } from './features/spaces/space-store.ts'
import { SpaceViews } from './features/spaces/space-views.ts'
import { Spaces } from './features/spaces/spaces.ts'
import type { People } from './presence/people.ts'

export type GateParts = {
  readonly database: Pick<Database, 'db'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** No other server uses the database. */
  readonly isAlone: boolean
}

export type OpenedGate = {
  readonly store: SpaceStore
  receive(pass: Pass): Promise<void>
  /** When nobody is in any more. */
  close(): Promise<void>
}

/** Before anybody is let in. */
export async function openSpaceGate(parts: GateParts): Promise<OpenedGate> {
  const { database, random, isAlone } = parts
  const store = new SpaceStore(database.db)
  const seats = new Seats({ ...parts, node: random.id() })
  if (isAlone) await seats.clear()
  const gate = new SpaceGate({ ...parts, store, seats })
  return {
    store,
    receive: pass => gate.receive(pass),
    close: () => seats.close(),
  }
}

export type SpaceParts = {
  readonly access: {
    readonly spaceStore: SpaceStore
    readonly gatekeeper: Gatekeeper
    readonly grants: Grants
    readonly grantStore: GrantStore
    readonly rules: RuleSource
    readonly announce: () => Promise<void>
  }
  readonly audit: Audit
  readonly documents: Pick<Documents, 'list'>
  readonly people: Pick<People, 'find'>
  readonly clock: Clock
  readonly random: Random
}

export type OpenedSpaces = {
  readonly spaces: Spaces
  readonly members: Members
  readonly views: SpaceViews
}

export function openSpaces(parts: SpaceParts): OpenedSpaces {
  const { access, documents } = parts
  const hasDocuments = async (prefix: string) => {
    const found = await documents.list({ prefix, after: '', limit: 1 })
    return found.length > 0
  }
  const { spaceStore: store, gatekeeper } = access
  const options = { ...parts, ...access, store, hasDocuments }
  const spaces = new Spaces(options)
  return {
    spaces,
    members: new Members({ ...options, spaces }),
    views: new SpaceViews({ ...parts, store, gatekeeper }),
  }
}
