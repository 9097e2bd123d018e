/** A Postgres and a Redis for the nodes under measurement, and what the nodes make them do. */
import { Postgres } from '../../server/testing/postgres.ts'
import { startRedis, type RedisServer } from '../../server/testing/redis.ts'
import { cpuMs } from '../subject.ts'

/** Since the services were started; two readings make a difference. */
export type ServiceCounters = {
  readonly publishes: number
  readonly redisBytes: number
  readonly redisCpuMs: number
  /** Statements that clients sent: each one is a round trip. */
  readonly roundTrips: number
  /** What Postgres wrote ahead of everything else. */
  readonly walBytes: number
  readonly postgresCpuMs: number
}

export class Services {
  readonly databaseUrl: string
  readonly redis: RedisServer
  readonly #postgres: Postgres

  private constructor(parts: { postgres: Postgres; databaseUrl: string; redis: RedisServer }) {
    this.#postgres = parts.postgres
    this.databaseUrl = parts.databaseUrl
    this.redis = parts.redis
  }

  static async start(): Promise<Services> {
    const postgres = await Postgres.start({
      fsync: 'on',
      settings: { shared_preload_libraries: 'pg_stat_statements', autovacuum: 'off' },
    })
    const databaseUrl = await postgres.createDatabase()
    const redis = await startRedis()
    const services = new Services({ postgres, databaseUrl, redis })
    await services.query('CREATE EXTENSION pg_stat_statements')
    return services
  }

  query(sql: string) {
    return this.#postgres.query(this.databaseUrl, sql)
  }

  async counters(): Promise<ServiceCounters> {
    const info = this.redis.command('info', 'everything')
    const read = (pattern: RegExp) => Number(pattern.exec(info)?.[1] ?? 0)
    const [row] = await this.query(`SELECT
      (SELECT sum(calls) FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%')
        AS calls,
      pg_current_wal_lsn() - '0/0' AS wal`)
    const pids = this.#postgres.pids()
    return {
      publishes: read(/cmdstat_publish:calls=(\d+)/),
      redisBytes: read(/total_net_input_bytes:(\d+)/),
      redisCpuMs: (read(/used_cpu_sys:([\d.]+)/) + read(/used_cpu_user:([\d.]+)/)) * 1000,
      roundTrips: Number(row?.['calls'] ?? 0),
      walBytes: Number(row?.['wal'] ?? 0),
      postgresCpuMs: pids.reduce((sum, pid) => sum + cpuOf(pid), 0),
    }
  }

  async stop(): Promise<void> {
    await this.redis.close()
    await this.#postgres.remove()
  }
}

/** The connection that asked has ended, and its process is perhaps just leaving. */
function cpuOf(pid: number): number {
  try {
    return cpuMs(pid)
  } catch {
    return 0
  }
}
