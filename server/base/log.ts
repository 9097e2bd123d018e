/** The log: JSON lines on stdout in production, readable lines on a terminal. */
import { destination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogOptions = {
  readonly level: LogLevel
  readonly format: 'json' | 'pretty'
}

/** Fields that may hold a secret, wherever in a log object they stand. */
const secretFields = [
  'token',
  'authorization',
  'secret',
  'password',
  'cookie',
  'jwt',
  'access_token',
  'accessToken',
  '["set-cookie"]',
  '["sec-websocket-protocol"]',
]

/**
 * Wherever in a line, also inside a message: a JSON Web Token, whose first two parts begin as JSON
 * does, and a parameter of an address that has a token's name.
 */
const tokenPattern =
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|(?<=[?&](?:token|access_token|jwt)=)[^&\s"\\]+/gi

export function createLog({ level, format }: LogOptions): Logger {
  const options = logOptions(level)
  // Synchronous writes: the lines before a crash are the ones somebody needs.
  if (format === 'json') return pino(options, destination({ dest: 1, sync: true }))
  return pino(options, pretty({ colorize: true, sync: true, ignore: 'pid,hostname' }))
}

export const silentLog: Logger = pino({ level: 'silent' })

/** JSON lines into a stream of the caller's. */
export function createLogInto(into: DestinationStream, level: LogLevel): Logger {
  return pino(logOptions(level), into)
}

/** The second line of defence: nothing logs a token, and if something does, nobody can read it. */
function logOptions(level: LogLevel) {
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => line.replace(tokenPattern, '[redacted]') },
    redact: {
      paths: secretFields.flatMap(field => {
        const behind = field.startsWith('[') ? field : `.${field}`
        return [field, `*${behind}`, `*.*${behind}`]
      }),
      censor: '[redacted]',
    },
  }
}
