/** What time does to requests. Every node looks; the store lets one of them act. */
import { every, type Cancel, type Clock } from '../../../shared/clock.ts'
import type { Logger } from '../../base/log.ts'
import { nextProgress, type RequestEvent } from './request-state.ts'
import type { StoredRequest } from './request.ts'
import { RequestChanged, type RequestStore } from './request-store.ts'
import { theClock, type Transitions } from './transitions.ts'

export type RequestTimerOptions = {
  readonly store: Pick<RequestStore, 'overdue' | 'over' | 'forget'>
  readonly transitions: Transitions
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = 5_000
const AT_ONCE = 100
/** What is over stays for those who look back; the audit log keeps it for ever. */
const KEPT_MS = 90 * 86_400_000
const FORGET_MS = 3_600_000

export class RequestTimer {
  readonly #options: RequestTimerOptions
  readonly #stop: Cancel
  #looking: Promise<void> | undefined
  /** Asked for while one look was under way. */
  #isAsked = false
  #forgetAt = 0
  #isFailing = false

  constructor(options: RequestTimerOptions) {
    this.#options = options
    this.#stop = every(options.clock, LOOK_MS, () => void this.look())
  }

  /** Resolves when all has been done that was due by now. Never rejects. */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#isAsked = true
      return this.#looking
    }
    this.#looking = this.#untilDone().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Resolves when nothing of it is under way any more. */
  async close(): Promise<void> {
    this.#stop()
    await this.#looking
  }

  async #untilDone(): Promise<void> {
    do {
      this.#isAsked = false
      try {
        await this.#lookOnce()
        this.#isFailing = false
      } catch (error) {
        if (!this.#isFailing) {
          this.#options.log.warn({ err: error }, 'requests for access cannot be looked through')
        }
        this.#isFailing = true
      }
    } while (this.#isAsked)
  }

  async #lookOnce(): Promise<void> {
    const { store, clock } = this.#options
    const at = clock.now()
    const monotonic = clock.monotonic()
    for (const request of await store.overdue(at, AT_ONCE)) {
      await this.#advance(request, { type: 'time', at })
    }
    for (const { request, isRevoked } of await store.over(at, AT_ONCE)) {
      await this.#advance(request, { type: isRevoked ? 'revoked' : 'ended' })
    }
    if (monotonic < this.#forgetAt) return
    this.#forgetAt = monotonic + FORGET_MS
    await store.forget(at - KEPT_MS)
  }

  async #advance(before: StoredRequest, event: RequestEvent): Promise<void> {
    const progress = nextProgress(before.plan, before.progress, event)
    if (progress === undefined) return
    const { transitions, clock } = this.#options
    const isOver = progress.status !== 'pending'
    const after = { ...before, progress, decidedAt: isOver ? clock.now() : null }
    const action = actions[progress.status] ?? 'request.escalate'
    try {
      await transitions.commit({ before, after, actor: theClock, action })
    } catch (error) {
      // Another node, or somebody in the last moment; the next look sees how it stands.
      if (!(error instanceof RequestChanged)) throw error
    }
  }
}

const actions: Readonly<Record<string, string>> = {
  expired: 'request.expire',
  ended: 'request.end',
  revoked: 'request.revoke',
}
