/** The journal's thread: it owns the SQLite file, because real disks take milliseconds a sync. */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { assert, unreachable } from '../../../shared/assert.ts'
import { WeftError } from '../../../shared/errors.ts'
import { SqliteStore } from './sqlite-store.ts'
import type { AppendAnswer, Calls, Failure, FromThread, Question } from './thread-protocol.ts'

assert(parentPort !== null, 'the journal thread is started by the journal')
const port = parentPort
const { dataDir } = workerData as { readonly dataDir: string }
const tell = (message: FromThread) => port.postMessage(message)

const store = new SqliteStore(dataDir, (name, damage) => tell({ kind: 'damage', name, damage }))

port.on('message', (question: Question) => {
  const { id } = question
  try {
    tell({ kind: 'answer', id, answer: answerTo(question) })
  } catch (error) {
    tell({ kind: 'failure', id, failure: toFailure(error) })
  }
  if (question.call === 'close') port.close()
})

function answerTo(question: Question): Calls[Question['call']]['answer'] {
  switch (question.call) {
    case 'append':
      return store
        .append(question.ask)
        .map((one): AppendAnswer => (one.ok ? one : { ok: false, error: one.error.toWire() }))
    case 'open':
      return store.open(question.ask.name, question.ask.create)
    case 'head':
      return store.head(question.ask)
    case 'list':
      return store.list(question.ask)
    case 'entries':
      return store.entries(question.ask.name, question.ask.afterSeq, question.ask.limit)
    case 'positions':
      return store.positions(question.ask)
    case 'request':
      return store.request(question.ask.name, question.ask.key)
    case 'putSnapshot':
      return store.putSnapshot(question.ask)
    case 'remove':
      return store.remove(question.ask.name, question.ask.by, question.ask.at)
    case 'inspect':
      return store.inspect(question.ask)
    case 'close':
      store.close()
      return null
    default:
      return unreachable(question)
  }
}

function toFailure(error: unknown): Failure {
  if (error instanceof WeftError) return { ...error.toWire(), broken: false }
  if (!(error instanceof Database.SqliteError)) throw error
  const unavailable = new WeftError('JOURNAL_UNAVAILABLE', `${error.code}: ${error.message}`, {
    retryAfterMs: 1_000,
  })
  return { ...unavailable.toWire(), broken: isBroken(error.code) }
}

/**
 * After a failed write or sync the kernel may have dropped the dirty pages, so that a later
 * success proves nothing (https://wiki.postgresql.org/wiki/Fsync_Errors): only a new start, which
 * reads the file again, can tell what is there. A full disk is not of that kind.
 */
function isBroken(code: string): boolean {
  return /^SQLITE_IOERR_(FSYNC|DIR_FSYNC|WRITE|TRUNCATE)|^SQLITE_(CORRUPT|NOTADB)/.test(code)
}
