/** `npm run soak:crash -- --rounds 400 [--seed n]`: kills the server at each write, sync and answer in turn. */
import { crashAt, crashCalls } from '../support/crash-points.ts'
import { missing } from '../support/needs.ts'
import { finish, soakOptions } from './options.ts'

if (missing('crash points', { binaries: ['strace'] }) !== null) process.exit(1)
const { rounds, seed } = soakOptions({ rounds: 400 })
let acknowledged = 0
const lost: string[] = []
const invented: string[] = []
for (let n = 1; n <= rounds; n++) {
  for (const call of crashCalls) {
    const report = await crashAt({ call, n }, seed)
    console.log(JSON.stringify(report))
    acknowledged += report.acknowledged
    lost.push(...report.lost)
    invented.push(...report.invented)
  }
}
finish({ rounds, seed, acknowledged, lost, invented }, true)
