/** Requests for access: their stores, who may decide, and the timer that goes on without anybody. */
import type { Clock } from '../shared/clock.ts'
import type { Random } from '../shared/random.ts'
import type { Gatekeeper } from './access/gatekeeper.ts'
import type { GrantStore } from './access/grants/grant-store.ts'
import type { RuleSource } from './access/policy.ts'
import { AccessEvents } from './access/requests/access-events.ts'
import { AccessPolicies } from './access/requests/access-policies.ts'
import { Deciders } from './access/requests/deciders.ts'
import { PolicyStore } from './access/requests/policy-store.ts'
import { RequestStore } from './access/requests/request-store.ts'
import { RequestTimer } from './access/requests/request-timer.ts'
import { Requests } from './access/requests/requests.ts'
import { Transitions } from './access/requests/transitions.ts'
import type { Audit } from './audit/audit.ts'
import type { Logger } from './base/log.ts'
import type { Database } from './database/database.ts'

export type RequestParts = {
  readonly database: Pick<Database, 'db'>
  readonly grants: GrantStore
  readonly rules: RuleSource
  readonly gatekeeper: Pick<Gatekeeper, 'requireRole'>
  readonly audit: Pick<Audit, 'write' | 'note'>
  /** See {@link AccessWatch.announce}. */
  readonly announce: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export type OpenedRequests = {
  readonly requests: Requests
  readonly policies: AccessPolicies
  /** What is told to others listens here. */
  readonly events: AccessEvents
  readonly timer: RequestTimer
  close(): Promise<void>
}

export function openRequests(parts: RequestParts): OpenedRequests {
  const { database, grants, rules, gatekeeper, audit, clock, random, log } = parts
  const store = new RequestStore(database.db)
  const policyStore = new PolicyStore(database.db)
  const events = new AccessEvents(log)
  const deciders = new Deciders({ rules, grants, gatekeeper, clock })
  const transitions = new Transitions({ ...parts, requests: store, events })
  const tools = { deciders, transitions, clock, random, audit }
  const timer = new RequestTimer({ store, transitions, clock, log })
  return {
    requests: new Requests({ ...tools, store, policies: policyStore }),
    policies: new AccessPolicies({ ...tools, store: policyStore }),
    events,
    timer,
    close: () => timer.close(),
  }
}
