/** F26: the store is set back to a backup; what anybody holds comes back, and it is told by whom. */
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import type * as Y from 'yjs'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { stockProvider, stockSocket, type StockClient } from '../../server/testing/stock-clients.ts'
import { until } from '../../server/testing/until.ts'
import { Cluster } from '../support/cluster.ts'
import { readDocument } from '../support/independent-reader.ts'
import { binaryPath, missing } from '../support/needs.ts'
import { fingerprint } from '../support/oracle.ts'
import { readFromPostgres } from '../support/postgres-reader.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'

const NAME = 'restored/plan'
const [BEFORE, SINCE, LAST] = [5, 50, 5] as const
const reason = missing('a restored Postgres', {
  binaries: ['initdb', 'redis-server', 'pg_dump', 'psql'],
})

type Person = {
  readonly user: string
  readonly url: string
  readonly client: StockClient
  readonly socket: HocuspocusProviderWebsocket
}

/** Twenty who write; the first half is there when the store has been set back. */
class Crowd {
  people: readonly Person[] = []
  readonly #written = new Map<string, string[]>()

  async join(urls: readonly string[]): Promise<void> {
    const places = Array.from({ length: 20 }, (_, i) => [`user-${i}`, urls[i % urls.length]!])
    this.people = await Promise.all(
      places.map(([user, url]) => this.#open({ user: user!, url: url! })),
    )
    await this.settled(this.people)
  }

  get stayers(): readonly Person[] {
    return this.people.slice(0, 10)
  }

  get leavers(): readonly Person[] {
    return this.people.slice(10)
  }

  async #open({ user, url }: Pick<Person, 'user' | 'url'>, document?: Y.Doc): Promise<Person> {
    const socket = stockSocket(url)
    const token = await testToken(user)
    const own = document === undefined ? {} : { document }
    return { user, url, socket, client: stockProvider({ url, name: NAME, token, socket, ...own }) }
  }

  /** Each writes so many, in turns, so that they lean on each other; they are saved and seen by all. */
  async write(people: readonly Person[], count: number): Promise<void> {
    for (let i = 1; i <= count; i++) {
      for (const { user, client } of people) {
        const written = this.#written.get(user) ?? []
        this.#written.set(user, written)
        const token = `${user}:${written.length}`
        client.doc.getArray('tokens').push([token])
        written.push(token)
      }
      // Stock clients that met no server wait longer and longer before they ask again.
      if (i % 5 === 0) await until(() => people.every(isSaved), 'saved', 60_000)
    }
    await this.settled(people)
  }

  /** All that people wrote. */
  tokensOf(users: readonly string[] = this.people.map(({ user }) => user)): readonly string[] {
    return users.flatMap(user => this.#written.get(user) ?? [])
  }

  async settled(people: readonly Person[], timeoutMs = 20_000): Promise<void> {
    await until(() => people.every(isSaved), 'all are saved', timeoutMs)
    const prints = () => new Set(people.map(({ client }) => fingerprint(client.doc)))
    await until(() => prints().size === 1, 'all hold the same', timeoutMs)
  }

  leave(people: readonly Person[]): void {
    for (const { client, socket } of people) {
      client.destroy()
      socket.destroy()
    }
  }

  /** They come back with what they have. */
  async comeBack(people: readonly Person[]): Promise<readonly Person[]> {
    return Promise.all(people.map(person => this.#open(person, person.client.doc)))
  }
}

const isSaved = ({ client }: Person) =>
  client.provider.isSynced && !client.provider.hasUnsyncedChanges

/** Sorted, so that what is missing or doubled is seen. */
const tokensIn = (doc: Y.Doc | undefined) =>
  (doc?.getArray<string>('tokens').toArray() ?? []).toSorted()

describe('SQLite, from a copied folder', () => {
  const folder = temporaryFolder()
  const [data, backup] = [join(folder.path, 'data'), join(folder.path, 'backup')]
  const crowd = new Crowd()
  let server: ServerProcess
  const present: Person[] = []

  const start = async (settings: Record<string, string> = {}, port = server.port) => {
    server = await ServerProcess.start({ dataDir: data, port, settings })
  }
  /** Stopped for the copies: who finds the marks of a crash takes others' changes anyway. */
  const restore = async () => {
    await server.kill('SIGTERM')
    rmSync(data, { recursive: true })
    cpSync(backup, data, { recursive: true })
  }
  const count = async (metric: string) => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    return Number(new RegExp(`^${metric} (\\d+)`, 'm').exec(text)?.[1])
  }
  const stored = () => tokensIn(readDocument(data, NAME)?.doc)
  const comeBack = async (people: readonly Person[]) => {
    present.push(...(await crowd.comeBack(people)))
  }
  const all = () => crowd.tokensOf().toSorted()
  /** What was written before the first ten left. */
  const shared = () => all().filter(token => Number(token.split(':')[1]) < BEFORE + SINCE)

  beforeAll(async () => {
    await start({}, 0)
    await crowd.join([server.syncUrl])
    await crowd.write(crowd.people, BEFORE)
    await server.kill('SIGTERM')
    cpSync(data, backup, { recursive: true })
    await start()
    await crowd.write(crowd.people, SINCE)
    crowd.leave(crowd.stayers)
    // What these write now nobody else ever sees.
    await crowd.write(crowd.leavers, LAST)
    crowd.leave(crowd.leavers)
    await restore()
  }, 180_000)
  afterEach(() => crowd.leave(present.splice(0)))
  afterAll(async () => {
    await server.kill()
    folder.remove()
  })

  test('[F26] WEFT_RECOVERY=1: half of them bring back all that they hold, and it is counted', async () => {
    await start({ WEFT_RECOVERY: '1' })
    expect(stored()).toHaveLength(20 * BEFORE)
    await comeBack(crowd.stayers)
    await crowd.settled(present)
    const missed = all().length - shared().length
    process.stdout.write(`healed ${stored().length - 20 * BEFORE}, missing ${missed}\n`)
    expect(stored()).toEqual(shared())
    expect(shared()).toHaveLength(20 * (BEFORE + SINCE))
    // The first to come brought what the nineteen others wrote; nobody else had anything to add.
    expect(await count('weft_recovered_clients_total')).toBe(19)
    const told = server.log.filter(({ msg }) => /handed over/.test(msg ?? ''))
    expect(told).toMatchObject([{ document: NAME, by: /^user-\d$/, clientIds: 19 }])
  })

  test('[F26] without it what is another’s is held, and healed when its authors come', async () => {
    await restore()
    await start()
    await comeBack(crowd.stayers)
    await until(async () => (await count('weft_updates_held_total')) >= 10, 'all have tried')
    const others = crowd.leavers.map(({ user }) => user)
    const isOthers = (token: string) => others.some(user => token.startsWith(`${user}:`))
    expect(stored().filter(isOthers)).toHaveLength(10 * BEFORE)
    // They hold what is not stored, so nothing tells them that it is.
    expect(present.some(isSaved)).toBe(false)
    await comeBack(crowd.leavers)
    await crowd.settled(present)
    expect(stored()).toEqual(all())
    expect(await count('weft_recovered_clients_total')).toBe(0)
  })
})

test.skipIf(reason !== null)(
  '[F26] Postgres, from a dump: two nodes, WEFT_RECOVERY=1, half of the clients',
  async () => {
    const cluster = await Cluster.start({ nodes: 2, settings: { WEFT_RECOVERY: '1' } })
    const folder = temporaryFolder()
    const dump = join(folder.path, 'dump.sql')
    const crowd = new Crowd()
    const client = (program: 'pg_dump' | 'psql', ...args: string[]) =>
      execFileSync(binaryPath(program)!, ['-d', cluster.databaseUrl, ...args], { stdio: 'pipe' })
    let present: readonly Person[] = []
    try {
      await crowd.join(cluster.nodes.map(({ urls }) => urls.syncUrl))
      await crowd.write(crowd.people, BEFORE)
      client('pg_dump', '-f', dump)
      await crowd.write(crowd.people, SINCE)
      crowd.leave(crowd.people)
      for (const node of cluster.nodes) expect(await node.server.kill('SIGTERM')).toBe(0)
      const database = new URL(cluster.databaseUrl).pathname.slice(1)
      await cluster.postgres.query(cluster.postgres.url(), `DROP DATABASE ${database} WITH (FORCE)`)
      await cluster.postgres.query(cluster.postgres.url(), `CREATE DATABASE ${database}`)
      client('psql', '-q', '-v', 'ON_ERROR_STOP=1', '-f', dump)
      const stored = async () => tokensIn((await readFromPostgres(cluster.databaseUrl, NAME))?.doc)
      expect(await stored()).toHaveLength(20 * BEFORE)
      await Promise.all(cluster.nodes.map(node => node.start()))
      present = await crowd.comeBack(crowd.stayers)
      await crowd.settled(present)
      expect(await stored()).toEqual(crowd.tokensOf().toSorted())
      const counts = cluster.nodes.map(node => node.metric('weft_recovered_clients_total'))
      const recovered = (await Promise.all(counts)).reduce((sum, one) => sum + one, 0)
      // Nineteen, and those that both nodes were given before they knew of each other.
      expect(recovered).toBeGreaterThanOrEqual(19)
    } finally {
      crowd.leave(present)
      await cluster.remove()
      folder.remove()
    }
  },
)
