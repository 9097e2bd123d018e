/** A Postgres of a test's own: a cluster in a temporary folder, on a free port of the loopback. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { binaryPath } from '../../e2e/support/needs.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export type PostgresOptions = {
  /** Off is for tests that are after something else: nothing then survives a power cut. */
  readonly fsync?: 'on' | 'off'
  /** More of `postgresql.conf`, by name. */
  readonly settings?: Readonly<Record<string, string>>
}

/** `fast` ends sessions and rolls back; `immediate` is a crash that the next start recovers from. */
export type StopMode = 'fast' | 'immediate'

const STOP_SIGNALS: Readonly<Record<StopMode, NodeJS.Signals>> = {
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
}

export class Postgres {
  readonly port: number
  readonly #folder: string
  readonly #options: PostgresOptions
  #process: ChildProcess | undefined
  #databases = 0

  private constructor(folder: string, port: number, options: PostgresOptions) {
    this.#folder = folder
    this.port = port
    this.#options = options
  }

  /** Resolves when it takes connections. */
  static async start(options: PostgresOptions = {}): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-pg-'))
    const owner = systemUser()
    if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
    execFileSync(
      binaryPath('initdb') ?? 'initdb',
      ['-D', join(folder, 'data'), '-U', 'weft', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...owner },
    )
    const postgres = new Postgres(folder, await freePort(), options)
    await postgres.start()
    return postgres
  }

  /** A new, empty database; the answer is its URL. */
  async createDatabase(): Promise<string> {
    this.#databases += 1
    const name = `weft_${this.#databases}`
    await this.query(this.url(), `CREATE DATABASE ${name}`)
    return this.url(name)
  }

  url(database = 'postgres'): string {
    return `postgres://weft@127.0.0.1:${this.port}/${database}`
  }

  /** Runs SQL on a connection of its own. */
  async query(
    url: string,
    sql: string,
    values: unknown[] = [],
  ): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql, values)
      return rows
    } finally {
      await client.end()
    }
  }

  /** Starts it again on the port and the data that it had. */
  async start(): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: this.#folder,
      fsync: this.#options.fsync ?? 'on',
      shared_buffers: '32MB',
      ...this.#options.settings,
    }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(
      binaryPath('postgres') ?? 'postgres',
      ['-D', join(this.#folder, 'data'), ...args],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.#folder, ...systemUser() },
    )
    this.#process = child
    const said: string[] = []
    child.stderr?.on('data', chunk => void said.push(String(chunk)))
    const isReady = () => {
      if (child.exitCode !== null) throw new Error(`postgres ended: ${said.join('')}`)
      return this.query(this.url(), 'SELECT 1').then(
        () => true,
        () => false,
      )
    }
    await until(isReady, 'postgres takes connections', 20_000)
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    await this.signal(STOP_SIGNALS[mode])
  }

  /** The postmaster dies at once; its children notice. Not followed by `start` before they ended. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL')
  }

  /** All processes of the cluster, those of connections included. */
  pids(): readonly number[] {
    const parent = this.#process?.pid
    return parent === undefined ? [] : [parent, ...childrenOf(parent)]
  }

  /** Holds every process of the cluster, or lets them go on: connections stay and nobody answers. */
  hold(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.pids()) {
      try {
        process.kill(pid, signal)
      } catch {
        // A process of a connection that ended since it was listed.
      }
    }
  }

  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.stop(mode)
    await this.start()
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    if (this.#process?.exitCode === null) {
      this.hold('SIGCONT')
      await this.stop('immediate')
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  private async signal(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}

/** Postgres refuses to run as root; Debian's package brings a user for it. */
export function systemUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = ['-u', '-g'].map(flag =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
  )
  return { uid: uid ?? 0, gid: gid ?? 0 }
}

function childrenOf(pid: number): readonly number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  if (!existsSync(file)) return []
  return execFileSync('cat', [file], { encoding: 'utf8' }).trim().split(' ').map(Number)
}
