/** What was taken back, answered from memory; another server's are read from the store. */
import type { Clock } from '../../../shared/clock.ts'
import type { Principal } from '../../../shared/permissions.ts'
import type { TokenDatabase } from './tables.ts'

export type RevocationsOptions = {
  readonly database: TokenDatabase
  readonly clock: Clock
}

type Entry = { readonly before: number; readonly until: number }

const PAGE = 1_000

export class Revocations {
  readonly #options: RevocationsOptions
  readonly #entries = new Map<string, Entry>()
  #lastSeq = 0
  #polling: Promise<void> | undefined
  #again = false

  constructor(options: RevocationsOptions) {
    this.#options = options
  }

  /** Another one whenever something was taken back. */
  get version(): number {
    return this.#lastSeq
  }

  /** Was the token taken back, or everything of its subject, or of the key that made it? */
  isRevoked({ tokenId, id, claims }: Principal): boolean {
    if (this.#entries.size === 0) return false
    const { client_id: maker, iat } = claims
    const client = typeof maker === 'string' ? maker : null
    const issuedAt = typeof iat === 'number' ? iat * 1000 : undefined
    const clients = client === null ? [null] : [null, client]
    return clients.some(
      by =>
        (tokenId !== null && this.#covers(key('token', tokenId, by), 0)) ||
        this.#covers(key('subject', id, by), issuedAt) ||
        (client !== null && this.#covers(key('client', client, by), issuedAt)),
    )
  }

  /**
   * Reads what came since the last time; rejects when the store does not answer, and what is known
   * stays. What is asked for while it runs is found: it then runs once more.
   */
  poll(): Promise<void> {
    if (this.#polling !== undefined) {
      this.#again = true
      return this.#polling
    }
    this.#polling = this.#pollAll().finally(() => (this.#polling = undefined))
    return this.#polling
  }

  /** Forgets, here and in the store, what is about tokens that are over. */
  async sweep(): Promise<void> {
    const now = this.#options.clock.now()
    for (const [name, { until }] of this.#entries) if (until < now) this.#entries.delete(name)
    await this.#options.database.db
      .deleteFrom('revocations')
      .where('until', '<', now)
      // SQLite counts on from the highest number that is there.
      .where('seq', '<', this.#lastSeq)
      .execute()
  }

  async #pollAll(): Promise<void> {
    do {
      this.#again = false
      while ((await this.#pollPage()) === PAGE);
    } while (this.#again)
  }

  async #pollPage(): Promise<number> {
    const rows = await this.#options.database.db
      .selectFrom('revocations')
      .select(['seq', 'kind', 'value', 'client', 'before', 'until'])
      .where('seq', '>', this.#lastSeq)
      .orderBy('seq')
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      this.#lastSeq = Number(row.seq)
      const name = key(row.kind, row.value, row.client)
      const known = this.#entries.get(name)
      this.#entries.set(name, {
        before: Math.max(Number(row.before), known?.before ?? 0),
        until: Math.max(Number(row.until), known?.until ?? 0),
      })
    }
    return rows.length
  }

  /** Tokens tell full seconds: one of the very second counts as issued before. */
  #covers(name: string, issuedAt: number | undefined): boolean {
    const entry = this.#entries.get(name)
    return entry !== undefined && (issuedAt === undefined || issuedAt <= entry.before)
  }
}

const key = (kind: string, value: string, client: string | null): string =>
  JSON.stringify([kind, value, client])
