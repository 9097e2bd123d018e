/** A log that keeps all its lines and hides nothing: what must not be in it must not be said. */
import { pino } from 'pino'
import type { Logger } from '../base/log.ts'

export function memoryLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  return { log, lines }
}
