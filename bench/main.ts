/** `npm run bench`: weft beside its peer, taking turns on one machine; medians in one table. */
import { cpus } from 'node:os'
import { commitScenarios } from './nodes/postgres-commits.ts'
import { nodeScenarios } from './nodes/scenarios.ts'
import { oneNodeScenarios } from './one-node.ts'
import { quantile, type Figures } from './scenario.ts'
import { subjectNames, type SubjectName } from './subject.ts'

const argument = (name: string) => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? undefined : process.argv[at + 1]
}
const rounds = Number(argument('rounds') ?? 3)
const only = argument('only')

const measured = new Map<string, Map<SubjectName, Figures[]>>()
for (const scenario of [...oneNodeScenarios, ...nodeScenarios, ...commitScenarios]) {
  if (only !== undefined && !scenario.name.includes(only)) continue
  const results = new Map<SubjectName, Figures[]>(subjectNames.map(name => [name, []]))
  measured.set(scenario.name, results)
  for (let round = 0; round < rounds; round++) {
    for (const name of scenario.subjects ?? subjectNames) {
      process.stderr.write(`${scenario.name}: ${name}, round ${round + 1} of ${rounds}\n`)
      results.get(name)?.push(await scenario.measure(name))
    }
  }
}
print(measured)
process.exit(0)

function print(all: ReadonlyMap<string, ReadonlyMap<SubjectName, readonly Figures[]>>): void {
  const [model = 'unknown'] = cpus().map(cpu => cpu.model)
  console.log(
    `${cpus().length} cores of ${model}, Node ${process.version}, medians of ${rounds} rounds`,
  )
  console.log('Acknowledged means durable (on the disk) for weft, and in memory for the peer.\n')
  console.log('| scenario | figure | weft | hocuspocus 4.7 | weft / peer |')
  console.log('|---|---|---:|---:|---:|')
  for (const [scenario, results] of all) {
    const [ours, theirs] = subjectNames.map(name => results.get(name) ?? [])
    for (const figure of Object.keys(ours?.[0] ?? {})) {
      const median = (figures: readonly Figures[] | undefined) =>
        quantile(
          (figures ?? []).map(one => one[figure] ?? Number.NaN),
          0.5,
        )
      const [own, peer] = [median(ours), median(theirs)]
      const cells = [show(own), show(peer), showRatio(own / peer)].join(' | ')
      console.log(`| ${scenario} | ${figure} | ${cells} |`)
    }
  }
}

function showRatio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(value < 0.095 ? 3 : 2) : '–'
}

function show(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}
