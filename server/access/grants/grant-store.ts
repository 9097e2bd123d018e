/** Grants and roles in the database. Each change is counted, so that every node finds out. */
import type { Kysely, Transaction } from 'kysely'
import type { Clock } from '../../../shared/clock.ts'
import type { Rule } from '../../../shared/decide.ts'
import { patternsOf, type Principal } from '../../../shared/permissions.ts'
import { untyped } from '../../database/untyped.ts'
import { subjectsOf, toRule, type CustomRole, type GrantStatus, type StoredGrant } from './grant.ts'
import { toGrant, toRole, toRow, writeJson, type GrantTables } from './grant-tables.ts'

/** Whom and what a change concerns; `*` and `**` mean everybody and everything. */
export type AccessChange = { readonly subject: string; readonly resource: string }

export type Changes = {
  readonly version: number
  /** `all`: more than is worth telling apart, or further back than is kept. */
  readonly changes: readonly AccessChange[] | 'all'
}

export type GrantQuery = {
  readonly subject?: string | undefined
  /** Exactly this pattern. */
  readonly resource?: string | undefined
  readonly status?: GrantStatus | undefined
  /** The id of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Within the transaction of a change: what else has to be there together with it. */
export type Within = (trx: Transaction<unknown>) => Promise<void>

const CHANGES_MAX = 500
/** Grants of one principal that are looked at for a list of documents. */
const RULES_MAX = 5_000

export class GrantStore {
  readonly #db: Kysely<GrantTables>
  readonly #clock: Clock
  #roles: ReadonlyMap<string, CustomRole> = new Map()

  constructor(db: Kysely<unknown>, clock: Clock) {
    this.#db = db.withTables<GrantTables>()
    this.#clock = clock
  }

  get roles(): ReadonlyMap<string, CustomRole> {
    return this.#roles
  }

  /** Reads the roles; to be called before anything else, and after a change of theirs. */
  async loadRoles(): Promise<void> {
    const rows = await this.#db.selectFrom('roles').selectAll().execute()
    this.#roles = new Map(rows.map(row => [row.name, toRole(row)]))
  }

  /** What is in force, or will be, for the principal on this name. */
  async rulesFor(
    principal: Pick<Principal, 'id' | 'groups'>,
    resource: string,
  ): Promise<readonly Rule[]> {
    const rows = await this.#db
      .selectFrom('grants')
      .selectAll()
      .where('resource', 'in', [...new Set(patternsOf(resource))])
      .where('subject', 'in', [...subjectsOf(principal)])
      .where('status', '=', 'active')
      .execute()
    return rows.map(row => toRule(toGrant(row), this.#roles))
  }

  /** The same for all names, for lists; at most as many as one can look through. */
  async allRulesFor(principal: Pick<Principal, 'id' | 'groups'>): Promise<readonly Rule[]> {
    const rows = await this.#db
      .selectFrom('grants')
      .selectAll()
      .where('subject', 'in', [...subjectsOf(principal)])
      .where('status', '=', 'active')
      .limit(RULES_MAX)
      .execute()
    return rows.map(row => toRule(toGrant(row), this.#roles))
  }

  async get(id: string): Promise<StoredGrant | undefined> {
    const row = await this.#db
      .selectFrom('grants')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toGrant(row)
  }

  /** In the order of their ids. */
  async list({ subject, resource, status, after, limit }: GrantQuery) {
    let query = this.#db.selectFrom('grants').selectAll().orderBy('id').limit(limit)
    if (subject !== undefined) query = query.where('subject', '=', subject)
    if (resource !== undefined) query = query.where('resource', '=', resource)
    if (status !== undefined) query = query.where('status', '=', status)
    if (after !== undefined) query = query.where('id', '>', after)
    return (await query.execute()).map(toGrant)
  }

  /** Puts a grant, new or changed. */
  async put(grant: StoredGrant, within: Within): Promise<void> {
    const row = toRow(grant)
    await this.#change([grant], async trx => {
      const { id: _, ...changed } = row
      await trx
        .insertInto('grants')
        .values(row)
        .onConflict(conflict => conflict.column('id').doUpdateSet(changed))
        .execute()
      await within(untyped(trx))
    })
  }

  async putRole(
    role: CustomRole,
    by: { readonly id: string; readonly at: number },
    within: Within,
  ) {
    const changed = {
      capabilities: JSON.stringify(role.capabilities),
      paths: writeJson(role.paths),
      changed_by: by.id,
      changed_at: by.at,
    }
    await this.#change([everything], async trx => {
      await trx
        .insertInto('roles')
        .values({ name: role.name, ...changed })
        .onConflict(conflict => conflict.column('name').doUpdateSet(changed))
        .execute()
      await within(untyped(trx))
    })
    await this.loadRoles()
  }

  /** False when there is none. */
  async removeRole(name: string, within: Within): Promise<boolean> {
    if (!this.#roles.has(name)) return false
    await this.#change([everything], async trx => {
      await trx.deleteFrom('roles').where('name', '=', name).execute()
      await within(untyped(trx))
    })
    await this.loadRoles()
    return true
  }

  /** Active grants whose end has come: the sweeper closes them, so that lists show it. */
  async overdue(at: number, limit: number): Promise<readonly StoredGrant[]> {
    const rows = await this.#db
      .selectFrom('grants')
      .selectAll()
      .where('status', '=', 'active')
      .where('expires_at', '<=', at)
      .limit(limit)
      .execute()
    return rows.map(toGrant)
  }

  async version(): Promise<number> {
    const row = await this.#db.selectFrom('access_version').select('version').executeTakeFirst()
    return Number(row?.version ?? 0)
  }

  /** What has changed after this version; cheap when nothing has. */
  async changesSince(known: number): Promise<Changes> {
    const version = await this.version()
    if (version === known) return { version, changes: [] }
    if (version < known || version - known > CHANGES_MAX) return { version, changes: 'all' }
    const rows = await this.#db
      .selectFrom('access_changes')
      .select(['subject', 'resource'])
      .where('version', '>', known)
      .where('version', '<=', version)
      .execute()
    return { version, changes: rows.length === version - known ? rows : 'all' }
  }

  /** Forgets which changes there were before this instant; their number stays. */
  async forgetChanges(before: number): Promise<void> {
    await this.#db.deleteFrom('access_changes').where('changed_at', '<', before).execute()
  }

  /**
   * The version first: its row is locked until the commit, so that nobody sees a later number
   * without this change. A crash before the commit leaves neither.
   */
  async #change(
    concerned: readonly AccessChange[],
    action: (trx: Transaction<GrantTables>) => Promise<void>,
  ): Promise<void> {
    await this.#db.transaction().execute(async trx => {
      for (const { subject, resource } of concerned) {
        const { version } = await trx
          .updateTable('access_version')
          .set(eb => ({ version: eb('version', '+', 1) }))
          .where('id', '=', 1)
          .returning('version')
          .executeTakeFirstOrThrow()
        await trx
          .insertInto('access_changes')
          .values({ version, subject, resource, changed_at: this.#clock.now() })
          .execute()
      }
      await action(trx)
    })
  }
}

const everything: AccessChange = { subject: '*', resource: '**' }
