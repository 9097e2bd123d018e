import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Hundreds of servers are started, each with threads: what they load is compiled once.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

// What waits for real time can be too late on a machine that does something else. It is run once
// more, and named loudly at the end; what is wrong stays wrong, since seeds stay the same.
const retry = 1

export default defineConfig({
  test: {
    reporters: ['default', './e2e/support/reporters/vitest-counts.ts'],
    projects: [
      {
        // Everything inside one process: units, contracts, whole servers with real clients.
        test: {
          name: 'node',
          retry,
          include: ['{server,client,shared}/**/*.test.{ts,tsx}'],
          pool: 'forks',
          // For machines that do much else: what waits for something says itself for what, and sooner.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Whole systems on virtual time: no real clock, disk or socket takes part.
        test: {
          name: 'sim',
          include: ['e2e/sim/**/*.test.ts'],
          pool: 'forks',
          // Before anything that reads the globals while it is loaded.
          setupFiles: ['e2e/sim/globals.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // Real server processes that are killed, starved and lied to. One at a time: they time
        // themselves by events, but two of them would share two cores.
        test: {
          name: 'faults',
          retry,
          include: ['e2e/faults/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The same on several nodes; it runs beside the faults, which mostly wait for disks.
        test: {
          name: 'nodes',
          retry,
          include: ['e2e/nodes/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
