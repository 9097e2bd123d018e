/** What rooms with relational tables rely on, whichever database it is. */
import { inspect } from 'node:util'
import { sql, type Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from './database.ts'
import { isUniqueViolation, SqlError } from './sql-error.ts'

export type OpenedDatabase = {
  readonly database: Database
  readonly remove: () => Promise<void>
}

type Tables = { things: { id: number; name: string } }

/** A gate that a test opens: what waits for it goes on then. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open: () => open() }
}

export function databaseContract(name: string, open: () => Promise<OpenedDatabase>): void {
  describe(`a database on ${name}`, () => {
    let opened: OpenedDatabase
    let db: Kysely<Tables>
    const names = async () =>
      (await db.selectFrom('things').select('name').orderBy('id').execute()).map(row => row.name)
    beforeEach(async () => {
      opened = await open()
      db = opened.database.db.withTables<Tables>()
      await sql`CREATE TABLE things (id bigint PRIMARY KEY, name text NOT NULL UNIQUE)`.execute(db)
    })
    afterEach(() => opened.remove())

    test('[DB1] a transaction is there when it is done, and whole numbers are numbers', async () => {
      const inside = await db.transaction().execute(async trx => {
        await trx
          .insertInto('things')
          .values({ id: 2 ** 40, name: 'a' })
          .execute()
        return trx.selectFrom('things').selectAll().execute()
      })
      expect(inside).toEqual([{ id: 2 ** 40, name: 'a' }])
      expect(await db.selectFrom('things').selectAll().execute()).toEqual(inside)
      const changed = await db.updateTable('things').set({ name: 'b' }).executeTakeFirst()
      expect(changed.numUpdatedRows).toBe(1n)
    })

    test('[DB1] a throw takes all of it back', async () => {
      const failing = db.transaction().execute(async trx => {
        await trx.insertInto('things').values({ id: 1, name: 'a' }).execute()
        throw new Error('on purpose')
      })
      await expect(failing).rejects.toThrow('on purpose')
      expect(await names()).toEqual([])
      await db.insertInto('things').values({ id: 1, name: 'after' }).execute()
    })

    test('[DB2] of two transactions that lock the same the second sees what the first did', async () => {
      await db.insertInto('things').values({ id: 1, name: '' }).execute()
      const lock = (trx: Kysely<Tables>) =>
        opened.database.dialect === 'postgres'
          ? trx.selectFrom('things').selectAll().forUpdate().executeTakeFirstOrThrow()
          : trx.selectFrom('things').selectAll().executeTakeFirstOrThrow()
      const hasLock = gate()
      const mayGoOn = gate()
      const add = (letter: string, wait: () => Promise<void>) =>
        db.transaction().execute(async trx => {
          const { name } = await lock(trx)
          await wait()
          await trx
            .updateTable('things')
            .set({ name: name + letter })
            .execute()
        })
      const first = add('a', () => {
        hasLock.open()
        return mayGoOn.opened
      })
      await hasLock.opened
      const others = ['b', 'c', 'd'].map(letter => add(letter, () => Promise.resolve()))
      mayGoOn.open()
      await Promise.all([first, ...others])
      const [word = ''] = await names()
      expect(word.split('').toSorted().join('')).toBe('abcd')
      expect(word[0]).toBe('a')
    })

    test('[DB3] a row that is there twice is recognised, and shows nothing of itself', async () => {
      const secret = 'what somebody wrote'
      await db.insertInto('things').values({ id: 1, name: secret }).execute()
      for (const row of [
        { id: 1, name: 'other' },
        { id: 2, name: secret },
      ]) {
        const error: unknown = await db.insertInto('things').values(row).execute().catch(Object)
        expect(isUniqueViolation(error)).toBe(true)
        const shown = inspect(error, { depth: 9 })
        expect(shown).not.toContain(secret)
      }
      const wrong: unknown = await sql`SELECT * FROM nothing`.execute(db).catch(Object)
      expect(wrong).toBeInstanceOf(SqlError)
      expect(isUniqueViolation(wrong)).toBe(false)
    })

    test('[DB3] a statement that fails inside a transaction takes it back and hurts nobody else', async () => {
      const failing = db.transaction().execute(async trx => {
        await trx.insertInto('things').values({ id: 1, name: 'a' }).execute()
        await trx.insertInto('things').values({ id: 1, name: 'b' }).execute()
      })
      await expect(failing).rejects.toBeInstanceOf(SqlError)
      expect(await names()).toEqual([])
    })

    test('[DB4] a close lets what was asked before finish, and rejects the rest', async () => {
      const inside = gate()
      const mayGoOn = gate()
      const before = db.transaction().execute(async trx => {
        inside.open()
        await mayGoOn.opened
        await trx.insertInto('things').values({ id: 1, name: 'a' }).execute()
        return 'done'
      })
      await inside.opened
      const closed = opened.database.close()
      await expect(names()).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' })
      mayGoOn.open()
      expect(await before).toBe('done')
      await closed
      await opened.database.close()
    })
  })
}
