/** `npm run soak:restart -- --clients 1000 --documents 100 [--signal SIGKILL]`: G21 in full. */
import { parseArgs } from 'node:util'
import { restartCrowd } from '../support/restart-crowd.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    documents: { type: 'string', default: '100' },
    signal: { type: 'string' },
  },
})
const [clients, documents] = [Number(values.clients), Number(values.documents)]
const known = ['SIGTERM', 'SIGKILL'] as const
const signals = known.filter(one => values.signal === undefined || values.signal === one)
if (!(clients >= documents && documents > 0) || signals.length === 0) {
  console.error('--clients and --documents are numbers; --signal is SIGTERM or SIGKILL')
  process.exit(64)
}
let sound = true
for (const signal of signals) {
  const report = await restartCrowd({ clients, documents, signal })
  const isSound =
    report.liveAfterMs < 30_000 &&
    report.loads === documents &&
    report.delayP99Ms > 0 &&
    report.delayP99Ms < 200 &&
    report.busiest < clients / 2
  console.log(JSON.stringify({ ...report, verdict: isSound ? 'sound' : 'UNSOUND' }))
  sound &&= isSound
}
process.exit(sound ? 0 : 1)
