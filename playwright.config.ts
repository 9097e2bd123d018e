import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { chromiumArgs, findChromium } from './e2e/support/chromium.ts'

// As in vitest.config.ts.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

const executablePath = findChromium()
if (executablePath === undefined) {
  process.stderr.write(
    '\n*** SKIPPED: pages in a browser: chromium is missing; apt-get install chromium\n\n',
  )
}

export default defineConfig({
  testDir: 'e2e/pages',
  testMatch: executablePath === undefined ? [] : ['**/*.e2e.ts'],
  outputDir: 'test-results',
  // They wait for the network most of the time, and each file has servers of its own.
  workers: 2,
  timeout: 120_000,
  // As in vitest.config.ts: named loudly by the reporter.
  retries: 1,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['./e2e/support/reporters/playwright-counts.ts']],
  use: {
    launchOptions: {
      args: chromiumArgs,
      ...(executablePath === undefined ? {} : { executablePath }),
    },
    viewport: { width: 1180, height: 760 },
    screenshot: 'only-on-failure',
  },
})
