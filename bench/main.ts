/** `npm run bench`: weft beside its peer, taking turns on one machine; medians in one table. */
import { cpus } from 'node:os'
import { quantile, scenarios, type Figures, type Scenario } from './scenarios.ts'
import { startSubject, subjectNames, type SubjectName } from './subject.ts'

const argument = (name: string) => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? undefined : process.argv[at + 1]
}
const rounds = Number(argument('rounds') ?? 3)
const only = argument('only')

const measured = new Map<string, Map<SubjectName, Figures[]>>()
for (const scenario of scenarios) {
  if (only !== undefined && !scenario.name.includes(only)) continue
  const results = new Map<SubjectName, Figures[]>(subjectNames.map(name => [name, []]))
  measured.set(scenario.name, results)
  for (let round = 0; round < rounds; round++) {
    for (const name of subjectNames) {
      process.stderr.write(`${scenario.name}: ${name}, round ${round + 1} of ${rounds}\n`)
      results.get(name)?.push(await measure(scenario, name))
    }
  }
}
print(measured)
process.exit(0)

async function measure(scenario: Scenario, name: SubjectName): Promise<Figures> {
  const subject = await startSubject(name)
  try {
    return await scenario.run(subject)
  } finally {
    await subject.stop()
  }
}

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
      const ratio = (own / peer).toFixed(own / peer < 0.095 ? 3 : 2)
      console.log(`| ${scenario} | ${figure} | ${show(own)} | ${show(peer)} | ${ratio} |`)
    }
  }
}

function show(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 10 ? 1 : 2)
}
