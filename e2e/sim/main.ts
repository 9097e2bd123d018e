/** `npm run sim -- --seed n [--steps m] [--profile p]`, or `--seeds n [--from m]` for many. */
import './globals.ts'
import { parseArgs } from 'node:util'
import { profiles, type ProfileName } from './profiles.ts'
import { simulate, type SimulationReport } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '120' },
    profile: { type: 'string', default: 'default' },
    lines: { type: 'string', default: '120' },
  },
})
if (!(values.profile in profiles)) {
  console.error(`--profile is one of ${Object.keys(profiles).join(', ')}`)
  process.exit(64)
}
const profile = values.profile as ProfileName
const steps = Number(values.steps)

function tell(report: SimulationReport): void {
  const { tail, ...summary } = report
  const lines = Number(values.lines)
  if (lines > 0) for (const line of tail.slice(-lines)) console.log(line)
  console.log(JSON.stringify(summary))
  if (report.failure === undefined) return
  console.log(`again: npm run sim -- --seed ${report.seed} --steps ${steps} --profile ${profile}`)
}

if (values.seed !== undefined || values.seeds === undefined) {
  const report = await simulate({ seed: Number(values.seed ?? 1), steps, profile })
  tell(report)
  process.exit(report.failure === undefined ? 0 : 1)
}

const from = Number(values.from)
const failed: number[] = []
let acknowledged = 0
for (let seed = from; seed < from + Number(values.seeds); seed++) {
  const report = await simulate({ seed, steps, profile })
  acknowledged += report.acknowledged
  if (report.failure === undefined) continue
  failed.push(seed)
  tell(report)
}
const summary = { profile, steps, from, seeds: Number(values.seeds), acknowledged, failed }
console.log(JSON.stringify({ summary, verdict: failed.length === 0 ? 'sound' : 'UNSOUND' }))
process.exit(failed.length === 0 ? 0 : 1)
