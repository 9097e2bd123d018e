/** Policies in the database: one for a pattern, and the nearest one counts. */
import type { Kysely, Transaction } from 'kysely'
import { nearness, patternsOf } from '../../../shared/permissions.ts'
import { untyped } from '../../database/untyped.ts'
import { accessPolicy, type AccessPolicy, type StoredPolicy } from './access-policy.ts'
import type { RequestTables } from './request-tables.ts'

type Within = (trx: Transaction<unknown>) => Promise<void>
type PolicyRow = RequestTables['access_policies']

export class PolicyStore {
  readonly #db: Kysely<RequestTables>

  constructor(db: Kysely<unknown>) {
    this.#db = db.withTables<RequestTables>()
  }

  /** The one that counts for a name or pattern; undefined: nobody has said anything. */
  async nearest(resource: string): Promise<StoredPolicy | undefined> {
    const rows = await this.#db
      .selectFrom('access_policies')
      .selectAll()
      .where('pattern', 'in', [...new Set(patternsOf(resource))])
      .execute()
    const [first] = rows.toSorted((one, other) => nearness(other.pattern) - nearness(one.pattern))
    return first && toPolicy(first)
  }

  /** Exactly of this pattern. */
  async get(pattern: string): Promise<StoredPolicy | undefined> {
    const row = await this.#db
      .selectFrom('access_policies')
      .selectAll()
      .where('pattern', '=', pattern)
      .executeTakeFirst()
    return row && toPolicy(row)
  }

  async put({ pattern, changedBy, changedAt, ...policy }: StoredPolicy, within: Within) {
    const changed = {
      policy: JSON.stringify(policy satisfies AccessPolicy),
      changed_by: changedBy,
      changed_at: changedAt,
    }
    await this.#db.transaction().execute(async trx => {
      await trx
        .insertInto('access_policies')
        .values({ pattern, ...changed })
        .onConflict(conflict => conflict.column('pattern').doUpdateSet(changed))
        .execute()
      await within(untyped(trx))
    })
  }

  /** False when there is none; then nothing else happens either. */
  async remove(pattern: string, within: Within): Promise<boolean> {
    return this.#db.transaction().execute(async trx => {
      const { numDeletedRows } = await trx
        .deleteFrom('access_policies')
        .where('pattern', '=', pattern)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      await within(untyped(trx))
      return true
    })
  }
}

function toPolicy({ pattern, policy, changed_by, changed_at }: PolicyRow): StoredPolicy {
  const read = accessPolicy.parse(JSON.parse(policy))
  return { ...read, pattern, changedBy: changed_by, changedAt: Number(changed_at) }
}
