/** Several real servers on one real Postgres and one real Redis, each way between them breakable. */
import { seededRandom } from '../../shared/random.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { freePort } from '../../server/testing/free-port.ts'
import { Postgres, type PostgresOptions } from '../../server/testing/postgres.ts'
import { redisProxy, type RedisProxy } from '../../server/testing/redis-proxy.ts'
import { startRedis, type RedisServer } from '../../server/testing/redis.ts'
import { tcpProxy, type TcpProxy } from '../../server/testing/tcp-proxy.ts'
import { ServerProcess } from './server-process.ts'

export type ClusterOptions = {
  readonly nodes: number
  readonly settings?: Readonly<Record<string, string>>
  readonly postgres?: PostgresOptions
  /** Without one, nodes find out from the journal alone. */
  readonly redis?: boolean
}

/** One server, on a port that it keeps, with ways of its own to the database and to the bus. */
export class ClusterNode {
  readonly id: number
  readonly port: number
  readonly toDatabase: TcpProxy
  readonly toBus: RedisProxy | undefined
  readonly #settings: Readonly<Record<string, string>>
  readonly #folder = temporaryFolder()
  #server: ServerProcess | undefined

  constructor(
    id: number,
    place: {
      readonly port: number
      readonly toDatabase: TcpProxy
      readonly toBus: RedisProxy | undefined
      readonly settings: Readonly<Record<string, string>>
    },
  ) {
    this.id = id
    this.port = place.port
    this.toDatabase = place.toDatabase
    this.toBus = place.toBus
    this.#settings = place.settings
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new Error(`node ${this.id} has not been started`)
    return this.#server
  }

  get isUp(): boolean {
    return this.#server?.hasEnded === false
  }

  get urls() {
    const { url, syncUrl, yUrl } = this.server
    return { url, syncUrl, yUrl }
  }

  async start(): Promise<void> {
    this.#server = await ServerProcess.start({
      dataDir: this.#folder.path,
      port: this.port,
      settings: this.#settings,
    })
  }

  /** SIGSTOP: its connections stay, and nothing moves. */
  pause(): void {
    this.server.process.kill('SIGSTOP')
  }

  resume(): void {
    this.server.process.kill('SIGCONT')
  }

  /** The sum of a metric over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.server.url}/metrics`)).text()
    const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
  }

  async remove(): Promise<void> {
    if (this.#server !== undefined) {
      this.resume()
      await this.#server.kill()
    }
    await this.toDatabase.close()
    await this.toBus?.close()
    this.#folder.remove()
  }
}

export class Cluster {
  readonly postgres: Postgres
  readonly databaseUrl: string
  readonly redis: RedisServer | undefined
  readonly nodes: readonly ClusterNode[]

  private constructor(parts: Pick<Cluster, 'postgres' | 'databaseUrl' | 'redis' | 'nodes'>) {
    this.postgres = parts.postgres
    this.databaseUrl = parts.databaseUrl
    this.redis = parts.redis
    this.nodes = parts.nodes
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const {
      nodes: count,
      settings = {},
      postgres: postgresOptions,
      redis: hasRedis = true,
    } = options
    const postgres = await Postgres.start(postgresOptions)
    const databaseUrl = await postgres.createDatabase()
    const redis = hasRedis ? await startRedis() : undefined
    const nodes: ClusterNode[] = []
    for (let id = 0; id < count; id++) {
      const toDatabase = await tcpProxy(postgres.port)
      const toBus = redis && (await redisProxy(redis, seededRandom(id + 1)))
      const own = new URL(databaseUrl)
      own.port = String(toDatabase.port)
      nodes.push(
        new ClusterNode(id, {
          port: await freePort(),
          toDatabase,
          toBus,
          settings: {
            WEFT_DATABASE_URL: own.href,
            ...(toBus === undefined ? {} : { WEFT_REDIS_URL: toBus.url }),
            // All clients of a test have one address.
            WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: '2000',
            ...settings,
          },
        }),
      )
    }
    await Promise.all(nodes.map(node => node.start()))
    return new Cluster({ postgres, databaseUrl, redis, nodes })
  }

  /** A node by its place; they are counted from 0. */
  node(id: number): ClusterNode {
    const node = this.nodes[id]
    if (node === undefined) throw new RangeError(`there is no node ${id}`)
    return node
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.remove()))
    await this.redis?.close()
    await this.postgres.remove()
  }
}
