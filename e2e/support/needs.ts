/** What a fault test needs of the machine; where it is missing, that is said loudly. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export type Needs = {
  /** Mounting file systems of our own. */
  readonly root?: boolean
  readonly binaries?: readonly Binary[]
}

/** Programs, and the Debian packages that bring them. */
export const packages = {
  strace: 'strace',
  'mkfs.ext4': 'e2fsprogs',
  mount: 'mount',
  ip: 'iproute2',
  chromium: 'chromium',
  initdb: 'postgresql',
  postgres: 'postgresql',
  pg_dump: 'postgresql-client',
  psql: 'postgresql-client',
  pgbouncer: 'pgbouncer',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  nginx: 'nginx',
} as const
export type Binary = keyof typeof packages

/** Debian keeps the programs of Postgres out of the PATH, a folder for each version. */
function postgresFolders(): readonly string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).toSorted((one, other) => Number(other) - Number(one))
  return versions.map(version => join(root, version, 'bin'))
}

/** Where a program is; undefined when it is missing. */
export function binaryPath(name: Binary): string | undefined {
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin', ...postgresFolders()].join(':')
  const found = spawnSync('sh', ['-c', `command -v ${name}`], {
    env: { PATH: path },
    encoding: 'utf8',
  })
  return found.status === 0 ? found.stdout.trim() : undefined
}

export function hasBinary(name: Binary): boolean {
  return binaryPath(name) !== undefined
}

export const isRoot = process.getuid?.() === 0

/** Why the suite cannot run here; null when it can. Prints the reason, once. */
export function missing(suite: string, { root = false, binaries = [] }: Needs): string | null {
  const absent = binaries.filter(name => !hasBinary(name))
  const reasons = [
    ...(root && !isRoot ? ['it mounts file systems, which takes root'] : []),
    ...absent.map(name => `${name} is missing; apt-get install ${packages[name]}`),
  ]
  if (reasons.length === 0) return null
  const reason = reasons.join('; ')
  process.stderr.write(`\n*** SKIPPED: ${suite}: ${reason}\n\n`)
  return reason
}
