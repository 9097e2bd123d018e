/**
 * Ends a run of Playwright with one plain line of what was counted, for scripts that read it, and
 * names the tests that passed only when they were run again.
 */
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter'

export default class PlaywrightCounts implements Reporter {
  /** The last try of each test counts. */
  readonly #results = new Map<string, TestResult['status']>()

  onTestEnd(test: TestCase, result: TestResult): void {
    this.#results.set(test.id, result.status)
    if (result.retry > 0 && result.status === 'passed') {
      process.stdout.write(`*** PASSED ONLY THE SECOND TIME: ${test.titlePath().join(' > ')}\n`)
    }
  }

  onEnd(): void {
    const statuses = [...this.#results.values()]
    const passed = statuses.filter(status => status === 'passed').length
    const skipped = statuses.filter(status => status === 'skipped').length
    const failed = statuses.length - passed - skipped
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }

  printsToStdio(): boolean {
    return true
  }
}
