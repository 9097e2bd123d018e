/** F2: the power goes. What was acknowledged is on the disk; the rig proves that it could tell. */
import { describe, expect, test } from 'vitest'
import { missing } from '../support/needs.ts'
import { cutPower } from '../support/power-cuts.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const reason = missing('power cuts', { root: true, binaries: ['mount', 'mkfs.ext4', 'strace'] })

describe.skipIf(reason !== null)(`power cuts, SEED=${seed}`, () => {
  test('[F2] no acknowledged edit is lost', async () => {
    const cuts = await cutPower({ cuts: 5, seed })
    for (const { lost, invented, opened, acknowledged } of cuts) {
      expect({ lost, invented }).toEqual({ lost: [], invented: [] })
      expect(opened).toBeTypeOf('number')
      expect(acknowledged).toBeGreaterThan(10)
    }
  })

  test('[F2] the negative control: a disk that only says it synced loses some', async () => {
    const cuts = await cutPower({ cuts: 3, seed, lyingDisk: true })
    expect(cuts.flatMap(({ lost }) => lost).length).toBeGreaterThan(0)
  })
})
