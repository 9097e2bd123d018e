/** G20, T11: 50,000 mutated frames on both doors; `npm run soak:fuzz` sends as many as you like. */
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { fuzz } from '../support/fuzz.ts'
import { ServerProcess } from '../support/server-process.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

test(`[G20] 50,000 mutated frames: nobody else notices, SEED=${seed}`, async () => {
  const folder = temporaryFolder()
  // A heap so small that what is not let go of ends the server.
  const settings = {
    WEFT_DOCUMENT_IDLE_MS: '200',
    NODE_OPTIONS: '--max-old-space-size=160',
  }
  const server = await ServerProcess.start({ dataDir: folder.path, settings })
  // Whatever fails: a second try must not share the machine with the server of the first.
  onTestFinished(async () => {
    await server.kill()
    folder.remove()
  })
  const report = await fuzz({ server, frames: 50_000, seed })
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report).toMatchObject({ alive: true, unexpected: 0 })
  // A bug that was caught is one all the same.
  expect(server.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
  expect(report.refused).toBeGreaterThan(1_000)
  expect(report.stallMsMedian).toBeLessThan(50)
  expect(report.heapGrewMb).toBeLessThan(60)
  expect(await server.kill('SIGTERM')).toBe(0)
})
