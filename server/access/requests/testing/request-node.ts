/** One server's part of requests for access, on a database that others may share. */
import { join } from 'node:path'
import type { AccessEvent } from '../../../../shared/events.ts'
import type { ManualClock } from '../../../../shared/manual-clock.ts'
import type { Grant, Principal } from '../../../../shared/permissions.ts'
import { systemRandom } from '../../../../shared/random.ts'
import { testPrincipal } from '../../../../shared/test-principal.ts'
import { openRequests } from '../../../app-requests.ts'
import { AnchorFile } from '../../../audit/anchor-file.ts'
import { Audit } from '../../../audit/audit.ts'
import { silentLog } from '../../../base/log.ts'
import { createMetrics } from '../../../base/metrics.ts'
import type { Database } from '../../../database/database.ts'
import { temporaryFolder } from '../../../journal/testing/temporary-folder.ts'
import { toRequestView } from '../../../rest/request-view.ts'
import { Gatekeeper } from '../../gatekeeper.ts'
import { GrantStore } from '../../grants/grant-store.ts'
import type { By } from '../../grants/grants.ts'
import { Policy } from '../../policy.ts'
import { accessPolicy } from '../access-policy.ts'
import { decisionInput, type StoredRequest } from '../request.ts'
import type { RequestTables } from '../request-tables.ts'

export type RequestNode = ReturnType<typeof requestNode>

export type NodeParts = {
  readonly database: Database
  readonly clock: ManualClock
  /** Called within each transaction, before its audit rows are written. */
  readonly beforeAudit?: () => void
}

export function requestNode({ database, clock, beforeAudit = () => {} }: NodeParts) {
  const folder = temporaryFolder()
  const anchors = new AnchorFile({ file: join(folder.path, 'anchors'), secret: undefined })
  const tools = { clock, log: silentLog }
  const audit = new Audit({ database, anchors, metrics: createMetrics(), ...tools })
  const grants = new GrantStore(database.db, clock)
  const events: AccessEvent[] = []
  const revoked = new Set<string>()
  const isRevoked = ({ tokenId }: Principal) => tokenId !== null && revoked.has(tokenId)
  const verifier = { verify: () => Promise.reject(new Error('nobody shows a token here')) }
  let begin = 0
  const opened = openRequests({
    ...tools,
    database,
    grants,
    rules: grants,
    gatekeeper: new Gatekeeper({ verifier, clock, policy: new Policy(grants), isRevoked }),
    audit: {
      note: event => audit.note(event),
      write: (trx, some) => {
        beforeAudit()
        return audit.write(trx, some)
      },
    },
    announce: () => Promise.resolve(),
    random: systemRandom,
  })
  opened.events.listen(event => events.push(event))
  const { requests, policies } = opened
  return {
    ...opened,
    grants,
    audit,
    events,
    /** Ids of tokens that were taken back. */
    revoked,
    ask: (by: By, order: Partial<Parameters<typeof requests.ask>[1]> = {}) =>
      requests.ask(by, { resource: 'acme/plan', role: 'editor', ...order }).then(toRequestView),
    decide: (by: By, id: string, order: Partial<Parameters<typeof requests.decide>[2]>) =>
      requests.decide(by, id, decisionInput.parse(order)).then(toRequestView),
    see: (by: By, id: string) => requests.get(by, id).then(toRequestView),
    policy: (by: By, pattern: string, policy: object) =>
      policies.put(by, pattern, accessPolicy.parse({ ...someSteps, ...policy })),
    /** Forgets what tests before have left. */
    async clear() {
      const tables = ['request_decisions', 'access_requests', 'access_policies', 'grants'] as const
      const db = database.db.withTables<RequestTables>()
      for (const table of tables) await db.deleteFrom(table).execute()
      begin = (await audit.query({ limit: 10_000 })).at(-1)?.seq ?? 0
    },
    /** Of the audit log, since then. */
    async actions(): Promise<readonly string[]> {
      const rows = await audit.query({ after: begin, limit: 1_000 })
      return rows.map(({ action }) => action)
    },
    async close() {
      await opened.close()
      await audit.close(AbortSignal.timeout(5_000))
      folder.remove()
    },
  }
}

export type Status = StoredRequest['progress']['status']

/** What a policy of a test takes as it comes. */
const someSteps = {
  steps: [{ mode: 'any', approvers: ['owners'], timeoutMs: 60_000 }],
  ceiling: { roles: ['editor'], maxDurationMs: 3_600_000 },
}

/** Somebody who asks, from nowhere in particular. */
export function someone(
  id: string,
  grants: readonly Grant[] = [],
  more: Partial<Principal> = {},
): By {
  return { principal: testPrincipal({ id, grants, ...more }), address: null, requestId: null }
}
