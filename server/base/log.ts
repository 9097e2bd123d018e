/** The log: JSON lines on stdout in production, readable lines on a terminal. */
import { destination, pino, stdTimeFunctions, type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogOptions = {
  readonly level: LogLevel
  readonly format: 'json' | 'pretty'
}

/** Fields that may hold a secret, wherever in a log object they stand. */
const secretFields = ['token', 'authorization', 'secret', 'password', 'cookie']

export function createLog({ level, format }: LogOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretFields.flatMap(field => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  }
  // Synchronous writes: the lines before a crash are the ones somebody needs.
  if (format === 'json') return pino(options, destination({ dest: 1, sync: true }))
  return pino(options, pretty({ colorize: true, sync: true, ignore: 'pid,hostname' }))
}

export const silentLog: Logger = pino({ level: 'silent' })
