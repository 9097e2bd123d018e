/** Every setting of the server, in one table: environment, defaults, --help and README come from it. */
import { z } from 'zod'
import { logLevels } from './base/log.ts'
import { isOriginPattern } from './edge/origins.ts'
import { edgeSettings } from './edge-settings.ts'
import { signalSettings } from './signal-settings.ts'
import { tokenSettings } from './token-settings.ts'
import { count, setting, text, type Setting } from './setting.ts'
import { parseRedisUrl } from './fanout/redis/redis-address.ts'

export const configTable = {
  WEFT_HOST: setting(
    z.string().min(1).default('127.0.0.1'),
    'Address to listen on. Anything but loopback needs a way to check tokens, and WEFT_ORIGINS.',
  ),
  WEFT_PORT: setting(count(8080, 0).pipe(z.number().max(65_535)), 'Port; 0 takes a free one.'),
  WEFT_DATA_DIR: setting(
    z.string().min(1).default('./data'),
    'Folder of the embedded SQLite store; one server a folder. With Postgres, next to nothing is in it.',
  ),
  WEFT_DATABASE_URL: setting(
    z.url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://...' }).optional(),
    'Postgres for everything that is stored, which several servers may share; unset: SQLite.',
  ),
  WEFT_DATABASE_POOL: setting(
    count(10),
    'Most connections to Postgres for documents; four more are for all else.',
  ),
  WEFT_DATABASE_TIMEOUT_MS: setting(
    count(10_000, 100),
    'Connecting to Postgres, or a statement, that takes longer has failed.',
  ),
  WEFT_REDIS_URL: setting(
    z
      .string()
      .refine(
        url => parseRedisUrl(url) !== undefined,
        'must be redis://, redis+sentinel:// or redis+cluster://',
      )
      .optional(),
    'Address of the Redis over which nodes tell each other: `redis://host:port`, ' +
      '`redis+sentinel://host:port,host:port/master` or `redis+cluster://host:port,host:port`; ' +
      '`rediss` for TLS (a CA of your own by NODE_EXTRA_CA_CERTS), `user:password@` before the hosts. Without it there is one node.',
  ),
  WEFT_REDIS_PREFIX: setting(
    z
      .string()
      .regex(/^[\w.:-]{0,64}$/, 'must be up to 64 of A-Z a-z 0-9 . : _ -')
      .default('weft:'),
    'Begins the name of every channel; two installations on one Redis need two.',
  ),
  WEFT_REDIS_SECRET: setting(
    z.string().min(32, 'must have at least 32 characters').optional(),
    'With it, the same on all nodes, messages between nodes are signed, and others are dropped.',
  ),
  ...tokenSettings,
  ...edgeSettings,
  WEFT_LOG_LEVEL: setting(z.enum(logLevels).default('info'), 'Least severe level that is logged.'),
  WEFT_LOG_FORMAT: setting(
    z.enum(['json', 'pretty']).optional(),
    'JSON lines, or lines for people.',
    'pretty on a terminal, else json',
  ),
  WEFT_MAX_CONNECTIONS: setting(count(10_000), 'Open sockets; more are refused with 503.'),
  WEFT_MAX_UNAUTHENTICATED: setting(
    count(2_000),
    'Open sockets that have shown no valid token yet; more are refused with 429.',
  ),
  WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: setting(
    count(200),
    'The same from one address; behind a proxy all clients have its address.',
  ),
  WEFT_MAX_DEVICES_PER_USER: setting(
    count(0, 0),
    'Devices on which one user may be at once, over all nodes; 0: as many as they like.',
  ),
  WEFT_DEVICES_WHEN_FULL: setting(
    z.enum(['reject', 'evict-oldest']).default('reject'),
    'Who goes when there is one too many: the newcomer, or the device that has been there longest.',
  ),
  WEFT_MAX_DOCUMENTS_PER_CONNECTION: setting(count(50), 'Documents open on one socket.'),
  WEFT_MAX_DOCUMENTS_PER_USER: setting(
    count(200),
    'Different documents that one user has open on this node; further ones wait for room.',
  ),
  WEFT_MAX_LOADS_PER_SECOND: setting(
    count(20),
    'Documents read from the store for one user, after a burst of 2.5 times as many; further ones wait for their turn.',
  ),
  WEFT_MAX_FRAME_BYTES: setting(count(4 << 20, 1024), 'Largest frame a client may send.'),
  WEFT_MAX_UPDATE_BYTES: setting(count(1 << 20, 1024), 'Largest single update of a document.'),
  WEFT_MAX_DOCUMENT_BYTES: setting(count(50 << 20, 1024), 'Largest document, encoded.'),
  WEFT_MAX_AWARENESS_BYTES: setting(count(4096, 64), 'Largest presence state of one client.'),
  ...signalSettings,
  WEFT_PRESENCE_INTERVAL_MS: setting(
    count(50, 0),
    'Least time between two rounds of presence on a document; edits do not wait for it.',
  ),
  WEFT_MAX_QUEUE_BYTES: setting(
    count(1 << 20, 1024),
    'With more bytes of one client waiting here, for documents that are opening, its socket is not read on.',
  ),
  WEFT_LAG_BYTES: setting(
    count(1 << 20, 1024),
    'With more bytes waiting for one slow reader it gets no single changes, later one for all.',
  ),
  WEFT_MAX_SEND_BYTES: setting(
    count(8 << 20, 1024),
    'Most bytes waiting for one slow reader; beyond, its socket is closed.',
  ),
  WEFT_MAX_UNSAVED_BYTES: setting(
    count(64 << 20, 1024),
    'Most bytes of edits, over all documents, that may wait for the store.',
  ),
  WEFT_JOURNAL_QUEUE_ENTRIES: setting(count(100_000), 'Most entries waiting for a commit.'),
  WEFT_JOURNAL_BATCH_BYTES: setting(count(4 << 20, 1024), 'Most bytes in one commit.'),
  WEFT_COMMIT_PACE_MS: setting(
    count(20, 0),
    'Least time between two commits; more edits share one under load, and nobody waits when idle.',
  ),
  WEFT_SNAPSHOT_ENTRIES: setting(count(1_000), 'Fewest entries between two snapshots.'),
  WEFT_SNAPSHOT_BYTES: setting(
    count(256 << 10),
    'Bytes of entries that make a snapshot worth it, however few they are.',
  ),
  WEFT_DOCUMENT_IDLE_MS: setting(
    count(30_000, 0),
    'How long a document without clients stays in memory.',
  ),
  WEFT_NOT_SAVING_AFTER_MS: setting(
    count(3_000, 0),
    'How long an edit may wait for the store before clients are told `not saving`.',
  ),
  WEFT_AUTH_TIMEOUT_MS: setting(
    count(10_000),
    'A socket that has shown no valid token after this time is closed.',
  ),
  WEFT_PING_INTERVAL_MS: setting(
    count(3_000, 100),
    'Time between pings; a socket that misses two is dropped, and its user with it: within three of them.',
  ),
  WEFT_RECOVERY: setting(
    z.enum(['0', '1']).default('0'),
    'Set it to 1 when the store was set back to a backup: whoever may edit may hand over what others wrote ' +
      'since, also long after the start; it is counted, and logged with his name.',
  ),
  WEFT_HOOKS: setting(
    text,
    'A module whose default export are hooks of the application: seeds, schema migrations, observers.',
  ),
  WEFT_HOOK_TIMEOUT_MS: setting(count(10_000), 'A hook that takes longer has failed.'),
  WEFT_BREAKER_FAILURES: setting(
    count(5),
    'Failures in a row after which a service that the server needs is left alone.',
  ),
  WEFT_BREAKER_RESET_MS: setting(
    count(60_000, 1_000),
    'Longest time until it is tried again; the first time is a second, and doubles.',
  ),
  WEFT_AUDIT_ANCHOR_FILE: setting(
    text,
    'Where the end of the audit log is written down each minute: best on another disk, to which one can only append.',
    'audit-anchors.ndjson in the data folder',
  ),
  WEFT_AUDIT_SECRET: setting(
    z.string().min(32, 'must have at least 32 characters').optional(),
    'Signs what is written there, at least 32 characters; begin a new file with a new secret.',
  ),
  WEFT_DRAIN_TIMEOUT_MS: setting(count(10_000), 'Time for a clean end after SIGTERM.'),
} as const

type Table = typeof configTable
export type SettingName = keyof Table
type Values = { readonly [Name in SettingName]: z.output<Table[Name]['schema']> }

export type Config = Values & {
  readonly devMode: boolean
  readonly loopback: boolean
  readonly logFormat: 'json' | 'pretty'
}

/** Wrong settings: all of them at once, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`wrong settings:\n${problems.map(problem => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

const names = Object.keys(configTable) as readonly SettingName[]
const tableSchema = z.object(
  Object.fromEntries(names.map(name => [name, configTable[name].schema])),
) as unknown as z.ZodType<Values>

type Environment = Readonly<Record<string, string | undefined>>

/** Reads the settings from an environment; throws {@link ConfigError} with everything wrong. */
export function readConfig(environment: Environment, isTerminal = false): Config {
  const given = Object.fromEntries(
    names.flatMap(name => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  )
  const parsed = tableSchema.safeParse(given)
  const unknown = Object.keys(environment)
    .filter(name => name.startsWith('WEFT_') && !Object.hasOwn(configTable, name))
    .filter(name => !FOREIGN_SETTINGS.includes(name))
    .map(name => `${name} is no setting of this version`)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      issue => `${issue.path.join('.')}: ${issue.message} (${describeGiven(environment, issue)})`,
    )
    throw new ConfigError([...problems, ...unknown])
  }
  const values = parsed.data
  const loopback = isLoopback(values.WEFT_HOST)
  const { WEFT_JWT_SECRET, WEFT_JWKS_URL, WEFT_JWT_KEYS_FILE, WEFT_TOKEN_SERVICE } = values
  const canCheckTokens =
    (WEFT_JWT_SECRET ?? WEFT_JWKS_URL ?? WEFT_JWT_KEYS_FILE) !== undefined ||
    WEFT_TOKEN_SERVICE === '1'
  const devMode =
    values.WEFT_DEV === undefined ? loopback && !canCheckTokens : values.WEFT_DEV === '1'
  const problems = [...unknown, ...contradictions(values, { loopback, devMode, canCheckTokens })]
  if (problems.length > 0) throw new ConfigError(problems)
  const logFormat = values.WEFT_LOG_FORMAT ?? (isTerminal ? 'pretty' : 'json')
  return Object.freeze({ ...values, devMode, loopback, logFormat })
}

/** Read by tests and tools that share the prefix, not by the server. */
const FOREIGN_SETTINGS: readonly string[] = ['WEFT_TRACES']

type Circumstances = {
  readonly loopback: boolean
  readonly devMode: boolean
  readonly canCheckTokens: boolean
}

function contradictions(values: Values, { loopback, devMode, canCheckTokens }: Circumstances) {
  const problems: string[] = []
  if (devMode && !loopback) {
    problems.push(
      'WEFT_DEV: development mode makes tokens for anybody, so it runs on loopback only',
    )
  }
  if (!devMode && !canCheckTokens) {
    problems.push(
      'WEFT_JWT_SECRET, WEFT_JWKS_URL or WEFT_JWT_KEYS_FILE: one is needed to check tokens',
    )
  }
  if (!loopback && values.WEFT_ORIGINS.length === 0) {
    problems.push(`WEFT_ORIGINS: needed when WEFT_HOST is ${values.WEFT_HOST}`)
  }
  for (const origin of values.WEFT_ORIGINS) {
    if (isOriginPattern(origin)) continue
    problems.push(
      `WEFT_ORIGINS: "${origin}" is no origin; write scheme and host alone, as https://app.example.com`,
    )
  }
  const keySet = URL.parse(values.WEFT_JWKS_URL ?? '')
  if (keySet?.protocol === 'http:' && !isLoopback(keySet.hostname.replace(/^\[|\]$/g, ''))) {
    problems.push('WEFT_JWKS_URL: over http anybody on the way can replace the keys; write https')
  }
  if (values.WEFT_MAX_UPDATE_BYTES > values.WEFT_MAX_FRAME_BYTES) {
    problems.push('WEFT_MAX_UPDATE_BYTES: an update cannot be larger than WEFT_MAX_FRAME_BYTES')
  }
  if (values.WEFT_REDIS_URL !== undefined && values.WEFT_DATABASE_URL === undefined) {
    problems.push(
      'WEFT_REDIS_URL: several nodes need one store, which SQLite cannot be; set WEFT_DATABASE_URL',
    )
  }
  return problems
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Secrets, and addresses with a password in them, are never repeated, not even wrong ones. */
function describeGiven(environment: Environment, issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0])
  if (/SECRET|(DATABASE|REDIS)_URL/.test(name)) return 'the given value is not shown'
  return `given: ${JSON.stringify(environment[name] ?? '')}`
}

export type SettingRow = {
  readonly name: string
  readonly fallback: string
  readonly sentence: string
}

/** The table for --help and the README. */
export function settingRows(): readonly SettingRow[] {
  return names.map(name => {
    const { schema, sentence, shownDefault } = configTable[name] as Setting<z.ZodType>
    const parsed = schema.safeParse(undefined)
    const value = parsed.success ? parsed.data : undefined
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0)
    return { name, sentence, fallback: shownDefault ?? (isEmpty ? '' : String(value)) }
  })
}
