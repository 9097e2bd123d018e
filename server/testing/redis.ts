/** Real Redis servers on the loopback: single, sentinel, cluster; killed, stopped, started again. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { freePort, freePortPair } from './free-port.ts'
import { until } from './until.ts'

export type RedisServer = {
  readonly port: number
  readonly host: string
  /** For WEFT_REDIS_URL. */
  readonly url: string
  /** As SIGKILL does; resolves once it is gone. */
  kill(): Promise<void>
  /** Starts again on the same port, empty; resolves once it answers. */
  start(): Promise<void>
  /** SIGSTOP: connections stay open, and nothing answers. */
  freeze(): void
  thaw(): void
  /** One command of redis-cli; throws when it fails. */
  command(...args: string[]): string
  close(): Promise<void>
}

export type RedisOptions = {
  readonly password?: string
  /** More words of the command line. */
  readonly settings?: readonly string[]
}

export async function startRedis({ password, settings = [] }: RedisOptions = {}) {
  // Servers of a cluster talk to each other on the port that is 10,000 above.
  const port = await freePortPair(10_000)
  const folder = temporaryFolder()
  const login = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const place = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder.path]
  const fast = ['--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0']
  const args = [...place, ...fast, ...login, ...settings]
  return runServer({ port, args, password, remove: () => folder.remove() })
}

type ServerOrder = {
  readonly port: number
  readonly args: readonly string[]
  readonly password?: string | undefined
  readonly remove: () => void
}

async function runServer(order: ServerOrder): Promise<RedisServer> {
  const { port, args, password, remove } = order
  const host = '127.0.0.1'
  let child: ChildProcess | undefined
  const cli = (words: readonly string[]) =>
    spawnSync('redis-cli', ['-h', host, '-p', `${port}`, ...words], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, ...(password === undefined ? {} : { REDISCLI_AUTH: password }) },
    })
  const command = (...words: string[]) => {
    const { status, stdout, stderr } = cli(words)
    if (status !== 0) throw new Error(`redis-cli ${words.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
  const answers = () => cli(['ping']).stdout.includes('PONG')
  // A test that ends without its `afterEach` leaves no server behind.
  const killAtExit = () => void child?.kill('SIGKILL')
  process.on('exit', killAtExit)
  const server: RedisServer = {
    port,
    host,
    url: `redis://${host}:${port}`,
    command,
    async start() {
      const started = spawn('redis-server', args, { stdio: 'ignore' })
      child = started
      await until(answers, `redis-server answers on port ${port}`)
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      await server.kill()
      process.off('exit', killAtExit)
      remove()
    },
  }
  await server.start()
  return server
}

export type RedisCluster = {
  readonly masters: readonly RedisServer[]
  readonly url: string
  /** Resolves once every master knows that all slots are served. */
  whole(): Promise<void>
  close(): Promise<void>
}

/** Three masters that share the slots. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000']
  const masters = await Promise.all([1, 2, 3].map(() => startRedis({ settings })))
  const addresses = masters.map(({ host, port }) => `${host}:${port}`)
  masters[0]?.command('--cluster', 'create', ...addresses, '--cluster-yes')
  const whole = async () => {
    for (const master of masters) {
      const isWhole = () => master.command('cluster', 'info').includes('cluster_state:ok')
      await until(isWhole, 'the cluster is whole', 20_000)
    }
  }
  await whole()
  return {
    masters,
    url: `redis+cluster://${addresses.join(',')}`,
    whole,
    async close() {
      await Promise.all(masters.map(master => master.close()))
    },
  }
}

export type RedisSentinel = Awaited<ReturnType<typeof startRedisSentinel>>

export type SentinelOptions = {
  readonly password: string
  /** How long a master is silent before its replica takes its place. */
  readonly downAfterMs: number
}

/** A master with one replica, and a sentinel that looks after them. */
export async function startRedisSentinel({ password, downAfterMs }: SentinelOptions) {
  const master = await startRedis({ password })
  const replicaOf = ['--replicaof', `${master.host} ${master.port}`]
  const replica = await startRedis({ password, settings: replicaOf })
  const isReplica = () => replica.command('info').includes('master_link_status:up')
  await until(isReplica, 'the replica has a master', 20_000)
  const port = await freePort()
  const folder = temporaryFolder()
  const file = join(folder.path, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor weft ${master.host} ${master.port} 1`,
    `sentinel auth-pass weft ${password}`,
    `sentinel down-after-milliseconds weft ${downAfterMs}`,
    'sentinel failover-timeout weft 2000',
  ]
  writeFileSync(file, lines.join('\n'))
  const args = [file, '--sentinel']
  const sentinel = await runServer({ port, args, remove: () => folder.remove() })
  const knows = () => sentinel.command('sentinel', 'replicas', 'weft').includes(`${replica.port}`)
  await until(knows, 'the sentinel knows the replica', 20_000)
  return {
    master,
    replica,
    sentinel,
    password,
    url: `redis+sentinel://:${encodeURIComponent(password)}@${sentinel.host}:${sentinel.port}/weft`,
    async close() {
      await Promise.all([sentinel, master, replica].map(server => server.close()))
    },
  }
}
