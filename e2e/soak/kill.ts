/** `npm run soak:kill -- --rounds 1000 [--seed n]`: kills the server again and again under 20 writers. */
import { killRounds } from '../support/kill-rounds.ts'
import { finish, soakOptions } from './options.ts'

const { rounds, seed } = soakOptions({ rounds: 1_000 })
const report = await killRounds({
  rounds,
  seed,
  clients: 20,
  documents: 4,
  pauseMsMax: 40,
  onRound: round => console.log(JSON.stringify(round)),
})
const { acknowledged, lost, invented, converged } = report
finish({ rounds, seed, acknowledged, lost, invented, converged }, converged)
