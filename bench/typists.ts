/** People at a steady speed, for as long as a measurement takes. */
import type { LoadClient } from './load-client.ts'

export const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** Each types `rate` times a second; spread over the interval: people do not press keys in step. */
export function typeSteadily(writers: readonly LoadClient[], rate: number): { stop(): void } {
  const intervalMs = 1000 / rate
  const timers: NodeJS.Timeout[] = []
  for (const [i, writer] of writers.entries()) {
    const begin = () => void timers.push(setInterval(() => writer.type(), intervalMs))
    timers.push(setTimeout(begin, (intervalMs * i) / writers.length))
  }
  return {
    stop() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
