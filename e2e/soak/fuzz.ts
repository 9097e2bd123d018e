/** `npm run soak:fuzz -- --frames 1000000 [--seed n]`: mutated frames against a running server. */
import { parseArgs } from 'node:util'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { fuzz } from '../support/fuzz.ts'
import { ServerProcess } from '../support/server-process.ts'
import { stallWatch } from '../support/stall-watch.ts'

const { values } = parseArgs({
  options: { frames: { type: 'string' }, seed: { type: 'string' } },
})
const frames = Number(values.frames ?? 1_000_000)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!Number.isInteger(frames) || !Number.isInteger(seed)) {
  console.error('--frames and --seed must be whole numbers')
  process.exit(64)
}
console.log(JSON.stringify({ frames, seed }))

const folder = temporaryFolder()
// A heap so small that what is not let go of ends the server.
const settings = {
  WEFT_DOCUMENT_IDLE_MS: '200',
  ...stallWatch,
  NODE_OPTIONS: `--max-old-space-size=160 ${stallWatch.NODE_OPTIONS}`,
}
const server = await ServerProcess.start({ dataDir: folder.path, settings })
const onBatch = (done: number) => {
  if (done % 100_000 === 0) console.log(JSON.stringify({ done }))
}
const report = await fuzz({ server, frames, seed, onBatch })
const errors = server.log.filter(({ level }) => level === 'error' || level === 'fatal')
for (const line of errors.slice(0, 20)) console.log(JSON.stringify(line))
await server.kill('SIGTERM')
folder.remove()
const { alive, unexpected, stalls, heapGrewMb } = report
// The gauge of the server (`stallMsMax`) counts the time in which other processes had the processor
// as well; the gate is about what the server computes, its garbage collector included.
const stallMs = Math.max(0, ...stalls.map(({ cpuMs }) => cpuMs))
const isSound = alive && unexpected === 0 && errors.length === 0 && stallMs <= 50 && heapGrewMb < 60
console.log(JSON.stringify({ summary: report, stallMs, verdict: isSound ? 'sound' : 'UNSOUND' }))
process.exit(isSound ? 0 : 1)
