/** Conditions of grants: small expressions in CEL (https://cel.dev), which cannot loop or do I/O. */
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

/** What fails while it is asked, such as a claim that is missing: the safe answer depends on what it is for. */
type Effect = 'allow' | 'deny'

const kept = new Map<string, Condition>()

/**
 * Reads an expression over `now` (a timestamp), `address` (of the client, '' when unknown), `claims`
 * (of the token) and `inNetwork(address, "10.0.0.0/8")`. Throws REQUEST_INVALID when it is none, or does
 * not answer true or false. Where it cannot be told, an allowing grant does not hold and a denying one does.
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
  const { valid, type, error } = evaluate.check()
  if (!valid) throw refusal(firstLine(error))
  if (type !== 'bool' && type !== 'dyn') throw refusal(`it answers ${type}, not true or false`)
  return {
    text,
    dependsOnTime: /\bnow\b/.test(text),
    holds: facts => holds(evaluate, facts) ?? effect === 'deny',
  }
}

/** Undefined: it cannot be told. */
function holds(
  evaluate: (context: object) => unknown,
  { at, address, claims }: Facts,
): boolean | undefined {
  try {
    return evaluate({ now: new Date(at), address: address ?? '', claims }) === true
  } catch {
    // A claim that is not there, or of another type.
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

function isInNetwork(address: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/', 2)
  const version = isIP(base)
  const family = isIP(address)
  if (version === 0 || family === 0) return false
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
