import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{server,client,shared}/**/*.test.{ts,tsx}'],
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})
