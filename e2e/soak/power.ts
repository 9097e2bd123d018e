/** `npm run soak:power -- --rounds 200 [--seed n]`: cuts the power under eight writers (root, Linux). */
import { cutPower } from '../support/power-cuts.ts'
import { missing } from '../support/needs.ts'
import { finish, soakOptions } from './options.ts'

if (missing('power cuts', { root: true, binaries: ['mount', 'mkfs.ext4'] }) !== null)
  process.exit(1)
const { rounds, seed } = soakOptions({ rounds: 200 })
const cuts = await cutPower({
  cuts: rounds,
  seed,
  onCut: report => console.log(JSON.stringify(report)),
})
const acknowledged = cuts.reduce((sum, cut) => sum + cut.acknowledged, 0)
const lost = cuts.flatMap(cut => cut.lost)
const invented = cuts.flatMap(cut => cut.invented)
const opened = cuts.every(cut => typeof cut.opened === 'number')
finish({ rounds, seed, acknowledged, lost, invented, opened }, opened)
