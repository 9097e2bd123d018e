/** A server whose clock can be moved on from outside: `{ advanceMs }` over the process's channel. */
import { join } from 'node:path'
import { systemClock, type Cancel, type Clock } from '../../shared/clock.ts'
import { startApp } from '../../server/app.ts'
import { createLog } from '../../server/base/log.ts'
import { packageRoot } from '../../server/cli/package-root.ts'
import { readConfig } from '../../server/config.ts'

/** Goes on by itself, and in leaps: what falls due in a leap fires after it, in order of its time. */
class LeapingClock implements Clock {
  #ahead = 0
  readonly #timers = new Set<{ readonly dueAt: number; arm: () => void; cancel: Cancel }>()

  now(): number {
    return Date.now() + this.#ahead
  }

  monotonic(): number {
    return performance.now() + this.#ahead
  }

  after(delayMs: number, action: () => void): Cancel {
    const dueAt = this.monotonic() + delayMs
    const timer = {
      dueAt,
      cancel: () => {},
      arm: () => {
        timer.cancel()
        timer.cancel = systemClock.after(Math.max(0, dueAt - this.monotonic()), () => {
          this.#timers.delete(timer)
          action()
        })
      },
    }
    this.#timers.add(timer)
    timer.arm()
    return () => {
      timer.cancel()
      this.#timers.delete(timer)
    }
  }

  advance(ms: number): void {
    this.#ahead += ms
    const timers = [...this.#timers].toSorted((a, b) => a.dueAt - b.dueAt)
    for (const { arm } of timers) arm()
  }
}

const clock = new LeapingClock()
const config = readConfig(process.env)
const log = createLog({ level: config.WEFT_LOG_LEVEL, format: config.logFormat })
const app = await startApp(config, log, { clock, pagesDir: join(packageRoot(), 'dist', 'pages') })
log.info({ url: app.url }, `weft is ready at ${app.url}`)
process.on('message', ({ advanceMs }: { readonly advanceMs: number }) => {
  clock.advance(advanceMs)
  process.send?.({ now: clock.now() })
})
