/** Holds signals against what the application has declared: whatever its schemas do, only the sender hears. */
import { WeftError } from '../../../shared/errors.ts'
import { TopicFilter } from '../../../shared/topic-filter.ts'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { SignalCheck, SignalHooks, SignalSchema } from './signal-hooks.ts'

export type DeclaredSignalsOptions = {
  readonly hooks: SignalHooks
  readonly log: Logger
  readonly metrics: Metrics
}

/** Sentences of schemas are sent on; somebody's whole stack is not. */
const SENTENCE_MAX = 300

type Verdict =
  | { readonly kind: 'sound'; readonly data: unknown }
  | { readonly kind: 'refused'; readonly sentence: string }

export class DeclaredSignals {
  readonly #options: DeclaredSignalsOptions
  readonly #types: ReadonlyMap<string, SignalSchema | SignalCheck> | undefined
  readonly #topics: TopicFilter | undefined

  constructor(options: DeclaredSignalsOptions) {
    const { types, topics } = options.hooks
    this.#options = options
    this.#topics = topics && new TopicFilter(topics)
    this.#types = types === undefined ? undefined : new Map(Object.entries(types))
  }

  /** What is to be sent. Throws SIGNAL_INVALID, and HOOK_FAILED when the schema is broken. */
  check(type: string, data: unknown): unknown {
    if (this.#types === undefined) return data
    const schema = this.#types.get(type)
    if (schema === undefined) throw invalid(`there is no type "${type}"`)
    let verdict: Verdict
    try {
      verdict = verdictOf(schema, data)
    } catch (error) {
      throw this.#broken(type, error)
    }
    if (verdict.kind === 'refused') throw invalid(`${type}: ${verdict.sentence}`)
    return verdict.data
  }

  /** Of a topic, or of a pattern that somebody wants to follow. Throws TOPIC_UNKNOWN. */
  requireTopic(topic: string): void {
    // A `*` of the pattern is covered by a `*` of a declared one alone, as any other word is.
    if (this.#topics === undefined || this.#topics.covers(topic)) return
    throw new WeftError('TOPIC_UNKNOWN', `there is no topic "${topic}"`)
  }

  #broken(type: string, error: unknown): WeftError {
    const { log, metrics } = this.#options
    metrics.hookFailures.inc({ hook: 'signals', reason: 'error' })
    const err = error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
    log.error({ err, type }, 'the schema of a signal failed')
    return new WeftError('HOOK_FAILED', `the schema of "${type}" failed`, {
      cause: error,
      retryAfterMs: 2_000,
    })
  }
}

/** Throws when the schema does what no schema does. */
function verdictOf(schema: SignalSchema | SignalCheck, data: unknown): Verdict {
  if (typeof schema === 'function') return functionVerdict(schema, data)
  const answer: unknown = schema.safeParse(data)
  if (isPromise(answer)) throw promised(answer)
  if (typeof answer !== 'object' || answer === null || !('success' in answer)) {
    throw new TypeError('safeParse has not answered')
  }
  if (answer.success === true) {
    return { kind: 'sound', data: 'data' in answer ? answer.data : data }
  }
  return { kind: 'refused', sentence: sentenceOf('error' in answer ? answer.error : undefined) }
}

function functionVerdict(check: SignalCheck, data: unknown): Verdict {
  let answer: unknown
  try {
    answer = check(data)
  } catch (error) {
    return { kind: 'refused', sentence: sentenceOf(error) }
  }
  if (isPromise(answer)) throw promised(answer)
  return { kind: 'sound', data: answer }
}

/** The first thing that is wrong, with the place of it. */
function sentenceOf(error: unknown): string {
  const issues: unknown = fieldOf(error, 'issues')
  const issue: unknown = Array.isArray(issues) ? issues[0] : undefined
  const message = fieldOf(issue, 'message') ?? fieldOf(error, 'message')
  const path = fieldOf(issue, 'path')
  const where = Array.isArray(path) ? path.map(String).join('.') : ''
  const sentence = typeof message === 'string' && message !== '' ? message : 'not as declared'
  return (where === '' ? sentence : `${where}: ${sentence}`).slice(0, SENTENCE_MAX)
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[field]
}

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof fieldOf(answer, 'then') === 'function'
}

/** Signals wait for nobody: order would be lost, and one that never answers would hold up the rest. */
function promised(answer: PromiseLike<unknown>): TypeError {
  // Nobody looks at it, and a rejection without that is an event of the whole process.
  answer.then(undefined, () => {})
  return new TypeError('schemas of signals answer at once, not with a promise')
}

function invalid(sentence: string): WeftError {
  return new WeftError('SIGNAL_INVALID', sentence)
}
