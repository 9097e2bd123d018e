/**
 * Real editing traces, recorded keystroke by keystroke. They lie beside the project; where they
 * are missing a trace of the same shape is made from a seed, and that is said.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { integerBetween, seededRandom } from '../../shared/random.ts'
import { projectRoot } from './server-process.ts'

/** Position and deleted count in unicode code points, then the inserted text. */
export type Patch = readonly [position: number, deleted: number, inserted: string]

export type SequentialTrace = {
  readonly startContent: string
  readonly endContent: string
  readonly txns: readonly { readonly patches: readonly Patch[] }[]
}

export type ConcurrentTrace = {
  readonly endContent: string
  readonly numAgents: number
  readonly txns: readonly {
    /** Numbers of the transactions that this one builds on. */
    readonly parents: readonly number[]
    readonly agent: number
    readonly patches: readonly Patch[]
  }[]
}

export type LoadedTrace<Trace> = { readonly trace: Trace; readonly origin: string }

export function loadSequential(name: string): LoadedTrace<SequentialTrace> {
  const recorded = load<SequentialTrace>(name)
  return recorded ?? { trace: generateSequential(7), origin: generated(name) }
}

export function loadConcurrent(name: string): LoadedTrace<ConcurrentTrace> {
  const recorded = load<ConcurrentTrace>(name)
  return recorded ?? { trace: generateConcurrent(7), origin: generated(name) }
}

function load<Trace>(name: string): LoadedTrace<Trace> | undefined {
  const folder = process.env['WEFT_TRACES'] ?? join(projectRoot, '../shared/traces')
  const file = join(folder, `${name}.json.gz`)
  if (!existsSync(file)) return undefined
  const trace = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Trace
  return { trace, origin: `the recorded trace ${name}` }
}

function generated(name: string): string {
  const origin = `a generated trace in the place of ${name} (set WEFT_TRACES for the real one)`
  process.stderr.write(`*** ${origin}\n`)
  return origin
}

function generateSequential(seed: number): SequentialTrace {
  const random = seededRandom(seed)
  let text = ''
  const txns = Array.from({ length: 20_000 }, () => {
    const patch = randomPatch(text.length, random)
    text = applyPatch(text, patch)
    return { patches: [patch] }
  })
  return { startContent: '', endContent: text, txns }
}

/** Two people, one after the other, with forks of a few keystrokes at the two ends of the text. */
function generateConcurrent(seed: number): ConcurrentTrace {
  const random = seededRandom(seed)
  const txns: { parents: number[]; agent: number; patches: Patch[] }[] = []
  let text = 'start '
  txns.push({ parents: [], agent: 0, patches: [[0, 0, text]] })
  let heads = [0, 0]
  for (let round = 0; round < 500; round++) {
    // Both begin from the same text; one writes before it, the other behind it: no tie to break.
    const base = text
    let [front, back] = ['', '']
    const forked = [...heads]
    for (let i = integerBetween(random, 1, 8); i > 0; i--) {
      const agent = integerBetween(random, 0, 1)
      const letter = random.id().slice(0, 1)
      const position = agent === 0 ? front.length : base.length + back.length
      if (agent === 0) front += letter
      else back += letter
      txns.push({
        parents: parentsOf(heads, forked, agent),
        agent,
        patches: [[position, 0, letter]],
      })
      forked[agent] = txns.length - 1
    }
    text = front + base + back
    heads = [Math.max(...forked), Math.max(...forked)]
    if (forked[0] !== forked[1] && forked.every(head => head > Math.min(...heads) - 9)) {
      const agent = integerBetween(random, 0, 1)
      txns.push({ parents: [...new Set(forked)], agent, patches: [[0, 0, '|']] })
      text = `|${text}`
      heads = [txns.length - 1, txns.length - 1]
    }
  }
  return { endContent: text, numAgents: 2, txns }
}

function parentsOf(heads: readonly number[], forked: readonly number[], agent: number): number[] {
  return [forked[agent] === heads[agent] ? (heads[agent] ?? 0) : (forked[agent] ?? 0)]
}

function randomPatch(length: number, random: ReturnType<typeof seededRandom>): Patch {
  const position = integerBetween(random, 0, length)
  if (length > 2_000 && random.next() < 0.5) return [Math.min(position, length - 3), 3, '']
  return [position, 0, random.id().slice(0, integerBetween(random, 1, 3))]
}

function applyPatch(text: string, [position, deleted, inserted]: Patch): string {
  return text.slice(0, position) + inserted + text.slice(position + deleted)
}
