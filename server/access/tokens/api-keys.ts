/** The API keys of an installation: made, listed, rotated, revoked. The text is shown once. */
import type { Clock } from '../../../shared/clock.ts'
import { WeftError } from '../../../shared/errors.ts'
import { apiKeyOf, type ApiKey, type StoredKey } from './api-key.ts'
import type { KeyAuthority } from './key-authority.ts'
import { takeBack } from './revocation-rows.ts'
import type { SecretHasher } from './secret-hasher.ts'
import { newId, newSecret, writeSecret, type Entropy } from './secrets.ts'
import type { Actor, TokenDatabase, TokenEvent, TokenTransaction, WriteAudit } from './tables.ts'

export type ApiKeysOptions = {
  readonly database: TokenDatabase
  readonly hasher: SecretHasher
  readonly audit: WriteAudit
  readonly clock: Clock
  readonly entropy: Entropy
}

export type KeyOrder = {
  readonly name: string
  readonly authority: KeyAuthority
  /** Ms since 1970; null: it has no end. */
  readonly expiresAt: number | null
  readonly by: Actor
}

export type NewKey = {
  readonly key: ApiKey
  /** `weft_key_<id>_<secret>`: nobody can show it a second time. */
  readonly text: string
}

export type Rotation = {
  /** How long the old one goes on being good. */
  readonly graceMs: number
  readonly by: Actor
}

const LISTED_MAX = 1_000

export class ApiKeys {
  readonly #options: ApiKeysOptions

  constructor(options: ApiKeysOptions) {
    this.#options = options
  }

  async create({ name, authority, expiresAt, by }: KeyOrder): Promise<NewKey> {
    const { database, clock } = this.#options
    const at = clock.now()
    const made = await this.#make({ name, authority, expiresAt, at, by: by.id })
    await database.db.transaction().execute(async trx => {
      await insert(trx, made.stored)
      await this.#note(trx, {
        at,
        actor: by,
        action: 'key.create',
        details: { key: made.stored.id, name, ...authority },
      })
    })
    return { key: made.stored, text: made.text }
  }

  /** The newest first, those that are over too; at most a thousand. */
  async list(): Promise<readonly ApiKey[]> {
    const rows = await this.#options.database.db
      .selectFrom('api_keys')
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(LISTED_MAX)
      .execute()
    return rows.map(apiKeyOf)
  }

  /** With what it takes to check a secret. */
  async find(id: string): Promise<StoredKey | undefined> {
    const row = await this.#options.database.db
      .selectFrom('api_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
    return row === undefined ? undefined : { ...apiKeyOf(row), hash: row.hash, salt: row.salt }
  }

  /**
   * A key with the same authority, and as long a life; the old one stays good for a while. Throws
   * KEY_NOT_FOUND when there is no such key, or it is over, revoked or rotated already.
   */
  async rotate(id: string, { graceMs, by }: Rotation): Promise<NewKey> {
    const { database, clock } = this.#options
    const old = await this.find(id)
    if (old === undefined) throw unknownKey(id)
    const at = clock.now()
    const expiresAt = old.expiresAt === null ? null : at + (old.expiresAt - old.createdAt)
    const made = await this.#make({ ...old, expiresAt, at, by: by.id })
    await database.db.transaction().execute(async trx => {
      const replaced = await trx
        .updateTable('api_keys')
        .set({
          replaced_by: made.stored.id,
          expires_at: Math.min(at + graceMs, old.expiresAt ?? Infinity),
        })
        .where('id', '=', id)
        .where('replaced_by', 'is', null)
        .where('revoked_at', 'is', null)
        .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', at)]))
        .returning('id')
        .executeTakeFirst()
      if (replaced === undefined) throw unknownKey(id)
      await insert(trx, made.stored)
      await this.#note(trx, {
        at,
        actor: by,
        action: 'key.rotate',
        details: { key: id, replacedBy: made.stored.id },
      })
    })
    return { key: made.stored, text: made.text }
  }

  /**
   * It, those that it replaced, and all tokens that any key of its line made up to now; one that
   * replaced it stays good. Throws KEY_NOT_FOUND when there is none to revoke.
   */
  async revoke(id: string, by: Actor): Promise<void> {
    const { database, clock } = this.#options
    const at = clock.now()
    await database.db.transaction().execute(async trx => {
      const revoked = await trx
        .withRecursive('older(id)', db =>
          db
            .selectFrom('api_keys')
            .select('id')
            .where('id', '=', id)
            .union(
              db
                .selectFrom('api_keys as one')
                .innerJoin('older', 'older.id', 'one.replaced_by')
                .select('one.id'),
            ),
        )
        .updateTable('api_keys')
        .set({ revoked_at: at })
        .where('revoked_at', 'is', null)
        .where('id', 'in', eb => eb.selectFrom('older').select('older.id'))
        .returning(['id', 'line'])
        .execute()
      const [first] = revoked
      if (first === undefined) throw unknownKey(id)
      await trx
        .updateTable('refresh_tokens')
        .set({ revoked_at: at })
        .where('client', '=', first.line)
        .where('revoked_at', 'is', null)
        .execute()
      await takeBack(trx, database.dialect, [
        ...revoked.map(one => ({ kind: 'token' as const, value: one.id, client: null, at })),
        { kind: 'client', value: first.line, client: null, at },
      ])
      await this.#note(trx, { at, actor: by, action: 'key.revoke', details: { key: id } })
    })
  }

  async #make({ name, authority, expiresAt, at, by, line }: KeyParts) {
    const { hasher, entropy } = this.#options
    const id = newId(entropy)
    const [secret, salt] = [newSecret(entropy), newSecret(entropy)]
    const stored: StoredKey = {
      id,
      line: line ?? id,
      name,
      authority,
      createdBy: by,
      createdAt: at,
      expiresAt,
      lastUsedAt: null,
      revokedAt: null,
      replacedBy: null,
      salt,
      hash: await hasher.hash(secret, salt),
    }
    return { stored, text: writeSecret('key', { id, secret }) }
  }

  #note(trx: TokenTransaction, event: TokenEvent): Promise<void> {
    return this.#options.audit(trx, event)
  }
}

type KeyParts = Pick<KeyOrder, 'name' | 'authority' | 'expiresAt'> & {
  readonly at: number
  readonly by: string
  /** Of the key that it replaces. */
  readonly line?: string
}

async function insert(trx: TokenTransaction, key: StoredKey): Promise<void> {
  await trx
    .insertInto('api_keys')
    .values({
      id: key.id,
      line: key.line,
      name: key.name,
      hash: key.hash,
      salt: key.salt,
      scopes: JSON.stringify(key.authority),
      created_by: key.createdBy,
      created_at: key.createdAt,
      expires_at: key.expiresAt,
    })
    .execute()
}

const unknownKey = (id: string) =>
  new WeftError('KEY_NOT_FOUND', `there is no living key ${JSON.stringify(id.slice(0, 40))}`)
