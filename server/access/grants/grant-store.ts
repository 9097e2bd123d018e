/** Grants and roles in the database. Each change is counted, so that every node finds out. */
import { isDeepStrictEqual } from 'node:util'
import { sql, type Kysely, type SelectQueryBuilder, type Transaction } from 'kysely'
import type { Clock } from '../../../shared/clock.ts'
import type { Rule } from '../../../shared/decide.ts'
import { patternsOf, type Principal } from '../../../shared/permissions.ts'
import { untyped } from '../../database/untyped.ts'
import { subjectsOf, toRule, type CustomRole, type GrantStatus, type StoredGrant } from './grant.ts'
import {
  toGrant,
  toRole,
  toRow,
  writeJson,
  type GrantRow,
  type GrantTables,
} from './grant-tables.ts'

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
/** Below one pattern, about one principal. */
const RULES_MAX = 5_000
/** Databases take some ten thousand parameters. */
const PATTERNS_AT_ONCE = 1_000

type Who = Pick<Principal, 'id' | 'groups'>
type Action = (trx: Transaction<GrantTables>) => Promise<void>
type RuleQuery = SelectQueryBuilder<GrantTables, 'grants', GrantRow>

/** Rolls a transaction back; never leaves this file. */
class Overtaken extends Error {}

export class GrantStore {
  readonly #db: Kysely<GrantTables>
  readonly #clock: Clock
  #roles: ReadonlyMap<string, CustomRole> = new Map()
  /** Counts readings of the roles; which of them those in memory are of. */
  #readings = 0
  #rolesOf = 0

  constructor(db: Kysely<unknown>, clock: Clock) {
    this.#db = db.withTables<GrantTables>()
    this.#clock = clock
  }

  get roles(): ReadonlyMap<string, CustomRole> {
    return this.#roles
  }

  /** Reads the roles; to be called before anything else, and by the watch after a change of theirs. */
  async loadRoles(): Promise<void> {
    const reading = ++this.#readings
    const rows = await this.#db.selectFrom('roles').selectAll().execute()
    // One that began later, and knows more, was faster.
    if (reading < this.#rolesOf) return
    this.#rolesOf = reading
    this.#roles = new Map(rows.map(row => [row.name, toRole(row)]))
  }

  /** What is in force, or will be, for the principal on this name. */
  rulesFor(who: Who, resource: string): Promise<readonly Rule[]> {
    return this.rulesForAll(who, [resource])
  }

  /** The same for many names at once, for lists. */
  async rulesForAll(who: Who, names: readonly string[]): Promise<readonly Rule[]> {
    const patterns = [...new Set(names.flatMap(patternsOf))]
    const rules: Rule[] = []
    for (let i = 0; i < patterns.length; i += PATTERNS_AT_ONCE) {
      const some = patterns.slice(i, i + PATTERNS_AT_ONCE)
      rules.push(...(await this.#rules(who, query => query.where('resource', 'in', some))))
    }
    return rules
  }

  /**
   * What is said of the principal about names and patterns below this one, the pattern itself left out:
   * `all` when that is more than anybody would look through.
   */
  async rulesBelow(who: Who, pattern: string): Promise<readonly Rule[] | 'all'> {
    if (!pattern.endsWith('**')) return []
    const prefix = pattern.slice(0, -2)
    const length = prefix.length
    const rules = await this.#rules(who, query =>
      query
        .where('resource', '!=', pattern)
        .where(sql<boolean>`substr(resource, 1, ${sql.lit(length)}) = ${prefix}`)
        .limit(RULES_MAX + 1),
    )
    return rules.length > RULES_MAX ? 'all' : rules
  }

  async #rules(who: Who, narrow: (query: RuleQuery) => RuleQuery): Promise<readonly Rule[]> {
    const query = this.#db
      .selectFrom('grants')
      .selectAll()
      .where('subject', 'in', [...subjectsOf(who)])
      .where('status', '=', 'active')
    return (await narrow(query).execute()).map(row => toRule(toGrant(row), this.#roles))
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

  /** Something else has changed that the passes on these resources have to live by. */
  async touch(concerned: readonly AccessChange[], within: Within): Promise<void> {
    await this.#change(concerned, trx => within(untyped(trx)))
  }

  async add(grant: StoredGrant, within: Within): Promise<void> {
    await this.#change([grant], async trx => {
      await trx.insertInto('grants').values(toRow(grant)).execute()
      await within(untyped(trx))
    })
  }

  /** False when it is not what it was any more; then nothing has happened. */
  async replace(before: StoredGrant, after: StoredGrant, within: Within): Promise<boolean> {
    const { id, ...changed } = toRow(after)
    return this.#attempt([after], async trx => {
      // All changes of grants wait for each other at the version: nobody is between this and the next.
      const row = await trx.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
      const isSame = row !== undefined && isDeepStrictEqual(toGrant(row), before)
      if (!isSame) throw new Overtaken()
      await trx.updateTable('grants').set(changed).where('id', '=', id).execute()
      await within(untyped(trx))
    })
  }

  /** Takes it out of force, whatever it has become; false when it is so already. */
  async close(grant: StoredGrant, status: 'revoked' | 'expired', within: Within): Promise<boolean> {
    return this.#attempt([grant], async trx => {
      let query = trx
        .updateTable('grants')
        .set({ status })
        .where('id', '=', grant.id)
        .where('status', '=', 'active')
        .returning('id')
      // Somebody may have given it a later end.
      if (status === 'expired') query = query.where('expires_at', '<=', this.#clock.now())
      if ((await query.executeTakeFirst()) === undefined) throw new Overtaken()
      await within(untyped(trx))
    })
  }

  /** How many are in force for exactly this subject on exactly this pattern. */
  async count({ subject, resource }: AccessChange): Promise<number> {
    const row = await this.#db
      .selectFrom('grants')
      .select(eb => eb.fn.countAll().as('count'))
      .where('subject', '=', subject)
      .where('resource', '=', resource)
      .where('status', '=', 'active')
      .executeTakeFirstOrThrow()
    return Number(row.count)
  }

  /** The watch over changes reads the roles again, here as on other nodes. */
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
  }

  /** False when there is none: another node may have made it, or taken it away, a moment ago. */
  removeRole(name: string, within: Within): Promise<boolean> {
    return this.#attempt([everything], async trx => {
      const { numDeletedRows } = await trx
        .deleteFrom('roles')
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      if (numDeletedRows === 0n) throw new Overtaken()
      await within(untyped(trx))
    })
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

  /** False when somebody else was quicker: nothing of it is stored then. */
  async #attempt(concerned: readonly AccessChange[], action: Action): Promise<boolean> {
    try {
      await this.#change(concerned, action)
      return true
    } catch (error) {
      if (error instanceof Overtaken) return false
      throw error
    }
  }

  /**
   * The version first: its row is locked until the commit, so that nobody sees a later number
   * without this change. A crash before the commit leaves neither.
   */
  async #change(concerned: readonly AccessChange[], action: Action): Promise<void> {
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
