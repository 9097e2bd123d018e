/** Conditions of grants: small expressions in CEL (https://cel.dev), without its loops and patterns. */
import { BlockList, isIP } from 'node:net'
import { Environment } from '@marcbachmann/cel-js'
import type { Condition, Facts } from '../../shared/decide.ts'
import { WeftError } from '../../shared/errors.ts'

/** Longer ones are refused unread. */
const TEXT_MAX = 1_000
const KEPT_MAX = 1_000

const environment = new Environment({
  limits: { maxAstNodes: 200, maxDepth: 20, maxListElements: 100, maxMapEntries: 20 },
})
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerVariable('address', 'string')
  .registerVariable('claims', 'map<string, dyn>')
  .registerFunction('inNetwork(string, string): bool', (address: string, network: string) =>
    isInNetwork(address, network),
  )

/**
 * All that a condition may call. Nothing that goes through a list (`all`, `map`, ... one in the other
 * take hours), keeps a value (`cel.bind` doubles a text twenty times), or matches patterns (`(a+)+$`):
 * whoever may share one document would stop the whole server.
 */
const callable: ReadonlySet<string> = new Set(
  [
    'has size type inNetwork timestamp duration string int uint double bool',
    'startsWith endsWith contains lowerAscii upperAscii trim',
    'getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear',
    'getHours getMinutes getSeconds getMilliseconds',
  ].flatMap(line => line.split(' ')),
)

/** What fails while it is asked, such as a claim that is missing: the safe answer depends on what it is for. */
type Effect = 'allow' | 'deny'

const kept = new Map<string, Condition>()

/**
 * Reads an expression over `now` (a timestamp), `address` (of the client), `claims`
 * (of the token) and `inNetwork(address, "10.0.0.0/8")`. Throws REQUEST_INVALID when it is none, or does
 * not answer true or false. Where it cannot be told, such as an address that is not known, an allowing
 * grant does not hold and a denying one does.
 */
export function readCondition(text: string, effect: Effect = 'allow'): Condition {
  const key = `${effect} ${text}`
  const found = kept.get(key)
  if (found !== undefined) return found
  const condition = compile(text, effect)
  // The oldest goes: expressions are few, and reading one again is cheap.
  if (kept.size >= KEPT_MAX)
    for (const oldest of kept.keys()) {
      kept.delete(oldest)
      break
    }
  kept.set(key, condition)
  return condition
}

function compile(text: string, effect: Effect): Condition {
  if (text.length > TEXT_MAX) throw refusal(`it is longer than ${TEXT_MAX} characters`)
  let evaluate: ReturnType<typeof environment.parse>
  try {
    evaluate = environment.parse(text)
  } catch (error) {
    throw refusal(firstLine(error))
  }
  const foreign = firstCall(evaluate.ast, name => !callable.has(name))
  if (foreign !== undefined) throw refusal(`it may not call ${foreign}`)
  const { valid, type, error } = evaluate.check()
  if (!valid) throw refusal(firstLine(error))
  if (type !== 'bool' && type !== 'dyn') throw refusal(`it answers ${type}, not true or false`)
  return {
    text,
    dependsOnTime: /\bnow\b/.test(text),
    holds: facts => holds(evaluate, facts) ?? effect === 'deny',
  }
}

/** The first function that is called anywhere below the node and `fits`. */
function firstCall(node: unknown, fits: (name: string) => boolean): string | undefined {
  if (Array.isArray(node)) {
    for (const one of node) {
      const found = firstCall(one, fits)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof node !== 'object' || node === null || !('op' in node && 'args' in node))
    return undefined
  const { op, args } = node
  const name: unknown = Array.isArray(args) ? args[0] : undefined
  const isCall = op === 'call' || op === 'rcall'
  if (isCall && typeof name === 'string' && fits(name)) return name
  return firstCall(args, fits)
}

/** Undefined: it cannot be told. */
function holds(
  evaluate: (context: object) => unknown,
  { at, address, claims }: Facts,
): boolean | undefined {
  try {
    const known = address === null ? {} : { address }
    return evaluate({ now: new Date(at), claims, ...known }) === true
  } catch {
    // A claim that is not there, or of another type; an address that nobody knows, or that is none.
    return undefined
  }
}

/** One that cannot be read any more, because another version stored it, counts as one that fails. */
export function readStoredCondition(text: string, effect: Effect): Condition {
  try {
    return readCondition(text, effect)
  } catch {
    return { text, dependsOnTime: false, holds: () => effect === 'deny' }
  }
}

/** Throws where one of them is none: that is no answer. */
function isInNetwork(address: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/', 2)
  const version = isIP(base)
  const family = isIP(address)
  if (version === 0 || family === 0) throw new TypeError('not an address in a network')
  const list = new BlockList()
  const name = version === 4 ? 'ipv4' : 'ipv6'
  list.addSubnet(base, bits === '' ? (version === 4 ? 32 : 128) : Number(bits), name)
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function refusal(sentence: string): WeftError {
  return new WeftError('REQUEST_INVALID', `the condition cannot be used: ${sentence}`)
}

function firstLine(error: unknown): string {
  const sentence = error instanceof Error ? error.message : 'unreadable'
  return sentence.split('\n', 1)[0] ?? ''
}
