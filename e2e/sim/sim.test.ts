/** Clients, a server, a disk and a network in one process; each seed is another history of faults. */
import { describe, expect, test } from 'vitest'
import { pinnedRuns } from './seeds.ts'
import { simulate, type SimulationOptions } from './simulation.ts'

const SEEDS = 200
const SEEDS_A_TEST = 25
/** `SEED=n` begins there instead. */
const FIRST = Number(process.env['SEED'] ?? 1)

async function expectSound(options: SimulationOptions): Promise<void> {
  const { failure, tail } = await simulate(options)
  const { seed, steps, profile } = options
  const command = `npm run sim -- --seed ${seed} --steps ${steps} --profile ${profile}`
  const story = [...tail.slice(-40), command].join('\n')
  expect(failure, story).toBeUndefined()
}

describe('the simulator', () => {
  test('the same seed is the same history, to the last byte', async () => {
    for (const seed of [3, 4, 5]) {
      const options = { seed, steps: 120, profile: 'default' } as const
      const [one, other] = [await simulate(options), await simulate(options)]
      expect(other).toEqual(one)
      expect(one.events).toBeGreaterThan(500)
    }
  })

  test('other seeds are other histories, and they do acknowledge edits', async () => {
    const run = (seed: number) => simulate({ seed, steps: 60, profile: 'default' })
    const [one, other] = [await run(7), await run(8)]
    expect(other.digest).not.toBe(one.digest)
    expect(one.acknowledged + other.acknowledged).toBeGreaterThan(10)
  })

  test.each(pinnedRuns)('seed $seed ($profile): $found', async ({ seed, steps, profile }) => {
    await expectSound({ seed, steps, profile })
  })

  const batches = Array.from({ length: SEEDS / SEEDS_A_TEST }, (_, i) => FIRST + i * SEEDS_A_TEST)
  test.each(batches)(`${SEEDS_A_TEST} seeds from %i`, async first => {
    for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
      await expectSound({ seed, steps: 120, profile: 'default' })
    }
  })

  test('20 seeds of documents that are deleted and made anew again and again', async () => {
    for (let seed = FIRST; seed < FIRST + 20; seed++) {
      await expectSound({ seed, steps: 120, profile: 'lives' })
    }
  })

  test('40 seeds of frames that are lost, doubled, cut and overtaken', async () => {
    for (let seed = FIRST; seed < FIRST + 40; seed++) {
      await expectSound({ seed, steps: 120, profile: 'lossy' })
    }
  })
})
