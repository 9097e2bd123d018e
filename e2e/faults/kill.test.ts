/** G1, F1: a server that is killed loses nothing that it acknowledged. */
import { expect, test } from 'vitest'
import { killRounds } from '../support/kill-rounds.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

test(`[G1] 20 kills under 20 writers, SEED=${seed}`, async () => {
  const report = await killRounds({
    rounds: 20,
    seed,
    clients: 20,
    documents: 4,
    pauseMsMax: 40,
  })
  expect(report.lost).toEqual([])
  expect(report.invented).toEqual([])
  expect(report.converged).toBe(true)
  // A test that never saw an acknowledgement would prove nothing.
  expect(report.acknowledged).toBeGreaterThan(200)
})
