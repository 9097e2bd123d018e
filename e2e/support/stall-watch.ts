/** Loaded into a server (`--import`): one line for each time its event loop stood still, and why. */
import { readFileSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export const STALL = 'the event loop stood still'

/** Settings of a server that is watched. */
export const stallWatch = {
  NODE_OPTIONS: `--import=${import.meta.url}`,
  WATCH_STALLS: '1',
} as const

/** Where the time of one stall went; what is left of `ms` is work, or waiting for a file. */
export type Stall = {
  readonly ms: number
  /** Ready to run, and the machine ran others. */
  readonly waitedMs: number
  /** Pauses of the garbage collector. */
  readonly gcMs: number
  /** What the thread itself computed, the collector included. */
  readonly cpuMs: number
}

const TICK_MS = 2
const LEAST_MS = 20

type Reading = { readonly at: number; readonly cpuMs: number; readonly waitedMs: number }

/** Linux counts how long a thread was ready and did not run: the second number, in nanoseconds. */
function read(): Reading {
  const [, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')
  const { user, system } = process.threadCpuUsage()
  return {
    at: performance.now(),
    cpuMs: (user + system) / 1_000,
    waitedMs: Number(waited) / 1_000_000,
  }
}

function watch(): void {
  const pauses: { readonly from: number; readonly to: number }[] = []
  const observer = new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries()) {
      pauses.push({ from: startTime, to: startTime + duration })
    }
    pauses.splice(0, pauses.length - 1_000)
  })
  observer.observe({ entryTypes: ['gc'] })
  const gcMs = (from: number, to: number) =>
    pauses.reduce(
      (sum, pause) => sum + Math.max(0, Math.min(to, pause.to) - Math.max(from, pause.from)),
      0,
    )
  const tell = (last: Reading, now: Reading) => {
    const stall: Stall = {
      ms: round(now.at - last.at),
      waitedMs: round(now.waitedMs - last.waitedMs),
      gcMs: round(gcMs(last.at, now.at)),
      cpuMs: round(now.cpuMs - last.cpuMs),
    }
    process.stdout.write(`${JSON.stringify({ level: 'info', msg: STALL, ...stall })}\n`)
  }
  let last = read()
  const tick = () => {
    const [before, now] = [last, read()]
    // Told a little later: the collector's pauses are handed out after the turn they lay in.
    if (now.at - before.at - TICK_MS >= LEAST_MS) setTimeout(tell, 50, before, now).unref()
    last = now
    setTimeout(tick, TICK_MS).unref()
  }
  tick()
}

const round = (value: number) => Math.round(value * 10) / 10

// The threads of the server load it too; their loops may stand still, that is what they are for.
// Imported by name only, for the types: nothing is watched then.
if (isMainThread && process.env['WATCH_STALLS'] === '1') watch()
