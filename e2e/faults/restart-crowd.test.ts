/** G21: a server that starts anew, and everybody who comes back to it at once. */
import { expect, test } from 'vitest'
import { restartCrowd } from '../support/restart-crowd.ts'

const CLIENTS = 300
const DOCUMENTS = 50

test.each(['SIGTERM', 'SIGKILL'] as const)(
  `[G21] ${CLIENTS} clients of ${DOCUMENTS} documents, and a restart by %s`,
  async signal => {
    const report = await restartCrowd({ clients: CLIENTS, documents: DOCUMENTS, signal })
    process.stdout.write(`${JSON.stringify(report)}\n`)
    const { liveAfterMs, loads, delayP99Ms, firstMs, lastMs, busiest } = report
    expect(liveAfterMs).toBeLessThan(30_000)
    expect(loads).toBe(DOCUMENTS)
    // Nothing measured would prove nothing.
    expect(delayP99Ms).toBeGreaterThan(0)
    expect(delayP99Ms).toBeLessThan(200)
    // Spread, and not in one moment: no tenth of the time sees half of them.
    expect(lastMs - firstMs).toBeGreaterThan(500)
    expect(busiest).toBeLessThan(CLIENTS / 2)
  },
)
