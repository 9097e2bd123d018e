/** Clients that come and go at the pace at which a document leaves memory, over the whole protocol. */
import { describe, expect, test } from 'vitest'
import { integerBetween } from '../../shared/random.ts'
import { withGlobals } from './globals.ts'
import { checkEnd, heal } from './simulation.ts'
import { World } from './world.ts'

const CYCLES = 2_000

describe('joining and leaving', () => {
  // The oracle looks after every event; the server's door reports a document that is not in memory.
  test.each([1, 2, 3])(`${CYCLES} cycles 1 to 5 ms apart, seed %i`, async seed => {
    const world = new World(seed, { idleMs: 1 })
    await withGlobals(world.globals, async () => {
      world.startServer()
      for (const client of [...world.clients, world.calm]) client.start()
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        world.later(0, () => {
          const client = world.someone()
          // The disk, the token and the network each take some milliseconds, or none.
          client.weather.latencyMsMax = integerBetween(world.random, 0, 3)
          client.rejoin()
          if (world.random.next() < 0.3) client.write()
        })
        await world.pass(integerBetween(world.random, 1, 5))
      }
      await heal(world)
      await checkEnd(world)
    })
    expect(world.oracle.acknowledged.size).toBeGreaterThan(10)
  })
})
