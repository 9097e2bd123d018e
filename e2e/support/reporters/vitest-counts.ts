/**
 * Ends a run of Vitest with one plain line of what was counted, for scripts that read it, and names
 * the tests that passed only when they were run again.
 */
import type { Reporter, TestModule } from 'vitest/node'

export default class VitestCounts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        counts[test.result().state] += 1
        if (test.diagnostic()?.flaky === true) {
          process.stdout.write(`*** PASSED ONLY THE SECOND TIME: ${test.fullName}\n`)
        }
      }
    }
    const { passed, failed, skipped } = counts
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  }
}
