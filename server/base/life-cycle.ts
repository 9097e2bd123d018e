/** The end of a process: parts stop in the reverse order of their start, all within one deadline. */
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from './log.ts'

/** What a part could not finish, one sentence each; empty when it stopped cleanly. */
export type StopReport = readonly string[]

export type Part = {
  readonly name: string
  /** Stops the part. `signal` aborts when the time is over: leave then, and say what is left. */
  stop(signal: AbortSignal): Promise<StopReport> | StopReport
}

export type LifeCycle = {
  add(part: Part): void
  /** True from the first call of {@link stop} on. */
  readonly stopping: boolean
  /** Stops everything once; later calls get the same answer. Resolves within `timeoutMs`. */
  stop(timeoutMs: number): Promise<StopReport>
}

export function createLifeCycle(clock: Clock, log: Logger): LifeCycle {
  const parts: Part[] = []
  let stopped: Promise<StopReport> | undefined

  const stopAll = async (timeoutMs: number): Promise<StopReport> => {
    const controller = new AbortController()
    const cancel = clock.after(timeoutMs, () => controller.abort())
    const left: string[] = []
    for (const part of parts.toReversed()) left.push(...(await stopOne(part, controller.signal)))
    cancel()
    return left
  }

  /** A part that hangs or throws is named and left behind: the next part still gets its turn. */
  const stopOne = async (part: Part, signal: AbortSignal): Promise<StopReport> => {
    const timeOver = new Promise<StopReport>(resolve => {
      const late = () => clock.after(GRACE_MS, () => resolve([`${part.name} did not stop in time`]))
      if (signal.aborted) late()
      else signal.addEventListener('abort', late, { once: true })
    })
    try {
      return await Promise.race([Promise.resolve(part.stop(signal)), timeOver])
    } catch (error) {
      log.error({ err: error, part: part.name }, 'a part failed to stop')
      return [`${part.name} failed to stop`]
    }
  }

  return {
    add: part => void parts.push(part),
    get stopping() {
      return stopped !== undefined
    },
    stop: timeoutMs => (stopped ??= stopAll(timeoutMs)),
  }
}

/** After the deadline a part has this long to say what it could not finish. */
const GRACE_MS = 200
