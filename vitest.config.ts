import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      {
        // Everything inside one process: units, contracts, whole servers with real clients.
        test: {
          name: 'node',
          include: ['{server,client,shared}/**/*.test.{ts,tsx}'],
          pool: 'forks',
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Real server processes that are killed, starved and lied to. One at a time: they time
        // themselves by events, but two of them would share two cores.
        test: {
          name: 'faults',
          include: ['e2e/faults/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
