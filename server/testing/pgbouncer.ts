/** A pooler in transaction mode before a Postgres: each statement may run on another connection. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binaryPath } from '../../e2e/support/needs.ts'
import { freePort, systemUser, type Postgres } from './postgres.ts'
import { until } from './until.ts'

export type PgBouncer = {
  /** The URL of a database of that Postgres, through the pooler. */
  url(direct: string): string
  stop(): Promise<void>
}

export async function startPgBouncer(postgres: Postgres): Promise<PgBouncer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'weft-pgbouncer-'))
  const ini = join(folder, 'pgbouncer.ini')
  writeFileSync(ini, configOf(postgres.port, port))
  chmodSync(folder, 0o755)
  const child = spawn(binaryPath('pgbouncer') ?? 'pgbouncer', [ini], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...systemUser(),
  })
  const said: string[] = []
  child.stderr.on('data', chunk => void said.push(String(chunk)))
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended: ${said.join('')}`)
    return isOpen(port)
  }, 'pgbouncer listens')
  return {
    url(direct) {
      const url = new URL(direct)
      url.port = String(port)
      return url.href
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const configOf = (serverPort: number, port: number) => `[databases]
* = host=127.0.0.1 port=${serverPort} user=weft
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_round_robin = 1
server_reset_query = DISCARD ALL
server_reset_query_always = 1
`

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
