/** Spaces and their members in the database. Changes are made within transactions of their callers. */
import { isDeepStrictEqual } from 'node:util'
import { sql, type Kysely, type Transaction } from 'kysely'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type SpaceName } from '../../../shared/names.ts'
import { overtaken } from './overtaken.ts'
import { patternOf, type Space } from './space.ts'
import { numberOrNull, toRow, toSpace, type MemberState, type SpaceTables } from './space-tables.ts'

export type SpaceQuery = {
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

export type MemberQuery = {
  readonly space: SpaceName
  /** The id of the last one of the page before; `''`: from the first one on. */
  readonly after: string
  readonly limit: number
  /** Ms since 1970. */
  readonly at: number
}

/** A grant of a user on the whole of a space. */
export type MemberGrant = {
  readonly id: string
  readonly userId: string
  readonly role: string | null
  readonly grantedBy: string
  readonly createdAt: number
  readonly expiresAt: number | null
}

export type Membership = { readonly space: SpaceName; readonly userId: string }

const USER = 'user:'
/** Names of users end somewhere; one more is a user with very many grants. */
const GRANTS_PER_USER = 100

export class SpaceStore {
  readonly #db: Kysely<SpaceTables>

  constructor(db: Kysely<unknown>) {
    this.#db = db.withTables<SpaceTables>()
  }

  async get(name: SpaceName): Promise<Space | undefined> {
    const row = await this.#db
      .selectFrom('spaces')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst()
    return row && toSpace(row)
  }

  /** In the order of their names. */
  async list({ prefix, after, limit }: SpaceQuery): Promise<readonly Space[]> {
    let query = this.#db.selectFrom('spaces').selectAll().orderBy('name').limit(limit)
    if (after !== '') query = query.where('name', '>', after)
    if (prefix !== '') query = query.where(startsWith('name', prefix))
    return (await query.execute()).map(toSpace)
  }

  /** Throws SPACE_EXISTS. */
  async insert(trx: Transaction<unknown>, space: Space): Promise<void> {
    const inserted = await trx
      .withTables<SpaceTables>()
      .insertInto('spaces')
      .values({ ...toRow(space), entries: 0 })
      .onConflict(conflict => conflict.column('name').doNothing())
      .returning('name')
      .executeTakeFirst()
    if (inserted !== undefined) return
    throw new WeftError('SPACE_EXISTS', `the space ${quoteName(space.name)} was created already`)
  }

  /** Throws SLOW_DOWN when it is not what it was any more. Changes of grants wait for each other. */
  async update(trx: Transaction<unknown>, before: Space, after: Space): Promise<void> {
    await this.requireSame(trx, before)
    const { name, ...changed } = toRow(after)
    await trx
      .withTables<SpaceTables>()
      .updateTable('spaces')
      .set(changed)
      .where('name', '=', name)
      .execute()
  }

  /** What was decided on is gone when somebody has changed it meanwhile: throws SLOW_DOWN. */
  async requireSame(trx: Transaction<unknown>, space: Space): Promise<void> {
    const row = await trx
      .withTables<SpaceTables>()
      .selectFrom('spaces')
      .selectAll()
      .where('name', '=', space.name)
      .executeTakeFirst()
    if (row === undefined || !isDeepStrictEqual(toSpace(row), space)) throw overtaken()
  }

  /** What was said of it, and nothing else. Throws SPACE_NOT_FOUND. */
  async remove(trx: Transaction<unknown>, name: SpaceName): Promise<void> {
    const tables = trx.withTables<SpaceTables>()
    const deleted = await tables
      .deleteFrom('spaces')
      .where('name', '=', name)
      .returning('name')
      .executeTakeFirst()
    if (deleted === undefined) throw spaceNotFound(name)
    await tables.deleteFrom('space_seats').where('space', '=', name).execute()
  }

  /** Does any grant speak of it, or of something in it, but this one? */
  async isSpokenOf(
    trx: Transaction<unknown> | undefined,
    name: SpaceName,
    except = '',
  ): Promise<boolean> {
    const db = trx?.withTables<SpaceTables>() ?? this.#db
    const found = await db
      .selectFrom('grants')
      .select('id')
      .where('status', '=', 'active')
      .where('id', '!=', except)
      .where(startsWith('resource', `${name}/`))
      .limit(1)
      .executeTakeFirst()
    return found !== undefined
  }

  async memberState({ space, userId }: Membership): Promise<MemberState | undefined> {
    return this.#memberState(this.#db, { space, userId })
  }

  /** Throws FORBIDDEN for somebody who was removed. */
  async refuseRemoved(trx: Transaction<unknown>, member: Membership): Promise<void> {
    const state = await this.#memberState(trx.withTables<SpaceTables>(), member)
    if (state === 'removed') throw wasRemoved(member)
  }

  async #memberState(db: Kysely<SpaceTables>, { space, userId }: Membership) {
    const row = await db
      .selectFrom('space_members')
      .select('state')
      .where('space', '=', space)
      .where('user_id', '=', userId)
      .executeTakeFirst()
    return row?.state as MemberState | undefined
  }

  /** `grantId`: of the grant that ends together with the space. */
  async putMember(
    trx: Transaction<unknown>,
    { space, userId }: Membership,
    what: { readonly state: MemberState; readonly grantId: string | null; readonly at: number },
  ): Promise<void> {
    const changed = { state: what.state, grant_id: what.grantId, changed_at: what.at }
    await trx
      .withTables<SpaceTables>()
      .insertInto('space_members')
      .values({ space, user_id: userId, ...changed })
      .onConflict(conflict => conflict.columns(['space', 'user_id']).doUpdateSet(changed))
      .execute()
  }

  /** Those whose grants end with the space, as ids of grants that are in force and end otherwise. */
  async joinedGrants(space: SpaceName, { expiresAt }: Pick<Space, 'expiresAt'>) {
    const rows = await this.#db
      .selectFrom('space_members')
      .innerJoin('grants', 'grants.id', 'space_members.grant_id')
      .select(['grants.id', 'grants.expires_at'])
      .where('space_members.space', '=', space)
      .where('space_members.state', '=', 'joined')
      .where('grants.status', '=', 'active')
      .execute()
    return rows.filter(row => numberOrNull(row.expires_at) !== expiresAt).map(({ id }) => id)
  }

  /** Of the users of one page, in the order of their ids; `next`: the last of them, if there are more. */
  async members(query: MemberQuery): Promise<{
    readonly grants: readonly MemberGrant[]
    readonly next: string | null
  }> {
    const { after, limit } = query
    const subjects = await this.#memberGrants(query)
      .select('subject')
      .where('subject', '>', after === '' ? USER : USER + after)
      .groupBy('subject')
      .orderBy('subject')
      .limit(limit)
      .execute()
    const names = subjects.map(({ subject }) => subject)
    const last = names.length === limit ? (names.at(-1)?.slice(USER.length) ?? null) : null
    if (names.length === 0) return { grants: [], next: null }
    return { grants: await this.#grantsOf(query, names), next: last }
  }

  /** What one user has on the whole of the space. */
  grantsOf(query: Omit<MemberQuery, 'after' | 'limit'>, userId: string) {
    return this.#grantsOf(query, [USER + userId])
  }

  async memberCount(query: Omit<MemberQuery, 'after' | 'limit'>): Promise<number> {
    const { count } = await this.#memberGrants(query)
      .select(eb => eb.fn.count('subject').distinct().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async #grantsOf(
    query: Omit<MemberQuery, 'after' | 'limit'>,
    subjects: readonly string[],
  ): Promise<readonly MemberGrant[]> {
    const rows = await this.#memberGrants(query)
      .selectAll()
      .where('subject', 'in', subjects)
      .orderBy('subject')
      .orderBy('id')
      .limit(subjects.length * GRANTS_PER_USER)
      .execute()
    return rows.map(row => ({
      id: row.id,
      userId: row.subject.slice(USER.length),
      role: row.role,
      grantedBy: row.granted_by,
      createdAt: Number(row.created_at),
      expiresAt: numberOrNull(row.expires_at),
    }))
  }

  #memberGrants({ space, at }: Omit<MemberQuery, 'after' | 'limit'>) {
    return this.#db
      .selectFrom('grants')
      .where('resource', '=', patternOf(space))
      .where('status', '=', 'active')
      .where('effect', '=', 'allow')
      .where(startsWith('subject', USER))
      .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', at)]))
  }
}

export function spaceNotFound(name: string): WeftError {
  return new WeftError('SPACE_NOT_FOUND', `the space ${quoteName(name)} was not created`)
}

export function wasRemoved({ space, userId }: Membership): WeftError {
  return new WeftError('FORBIDDEN', `${userId} was removed from the space ${quoteName(space)}`)
}

/** Not LIKE: `_` and `%` stand in names. */
function startsWith(column: string, prefix: string) {
  return sql<boolean>`substr(${sql.ref(column)}, 1, ${sql.lit(prefix.length)}) = ${prefix}`
}
