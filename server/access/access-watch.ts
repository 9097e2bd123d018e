/**
 * Notices what has changed about who may do what, here and on other nodes: at once when a node says
 * so over the bus, within a second when nobody does, because the store is asked.
 */
import { every, type Cancel, type Clock } from '../../shared/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { GrantStore } from './grants/grant-store.ts'
import type { Pass } from './pass.ts'
import type { ChangeSet, Policy } from './policy.ts'

export type AccessWatchOptions = {
  readonly store: Pick<GrantStore, 'changesSince' | 'version' | 'loadRoles'>
  readonly policy: Policy
  readonly passes: ReadonlySet<Pass>
  /** Left out where there are no other nodes. */
  readonly fanout: Fanout | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Tokens that were called back; read anew at each look. */
  readonly revocations: { readonly version: number; poll(): Promise<void> }
}

export const ACCESS_CHANNEL = 'access'

const POLL_MS = 1_000
/** Passes that are refreshed together: a role may concern everybody. */
const AT_ONCE = 100
/** A message is a hint; what has changed stands in the store. */
const HINT = new TextEncoder().encode('changed')

export class AccessWatch {
  readonly #options: AccessWatchOptions
  readonly #stop: Cancel
  #version = 0
  /** The look that is under way, and whether another has to follow it. */
  #looking: Promise<void> | undefined
  #next: Promise<void> | undefined
  #isFailing = false

  constructor(options: AccessWatchOptions) {
    const { clock, fanout } = options
    this.#options = options
    const cancel = every(clock, POLL_MS, () => void this.look())
    const subscription = fanout?.subscribe(ACCESS_CHANNEL, () => void this.look())
    this.#stop = () => {
      cancel()
      subscription?.close()
    }
  }

  /** To be called once before anybody is let in. */
  async start(): Promise<void> {
    await this.#options.store.loadRoles()
    this.#version = await this.#options.store.version()
  }

  /**
   * Something was changed here: resolves when everybody on this node lives by it, and the others
   * have been told.
   */
  async announce(): Promise<void> {
    this.#options.fanout?.publish(ACCESS_CHANNEL, HINT)
    await this.look()
  }

  /** Takes in all that was changed before this call. Never rejects. */
  look(): Promise<void> {
    if (this.#looking === undefined) return this.#begin()
    // The one under way may have read before the change: all who ask meanwhile share the next.
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined
      return this.#begin()
    })
    return this.#next
  }

  close(): void {
    this.#stop()
  }

  #begin(): Promise<void> {
    this.#looking = this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    const { store, policy, passes, log, revocations } = this.#options
    try {
      const { version, changes } = await store.changesSince(this.#version)
      const revoked = revocations.version
      await revocations.poll()
      this.#isFailing = false
      if (revocations.version !== revoked) for (const pass of Array.from(passes)) pass.recheck()
      if (version === this.#version) return
      if (isAboutAll(changes)) await store.loadRoles()
      policy.changed(changes)
      const concerned = Array.from(passes).filter(pass => pass.isConcernedBy(changes))
      for (let i = 0; i < concerned.length; i += AT_ONCE) {
        await Promise.all(concerned.slice(i, i + AT_ONCE).map(pass => pass.refresh()))
      }
      // Last: when a pass could not be refreshed, the next look does it again.
      this.#version = version
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'changes of access cannot be read')
      this.#isFailing = true
    }
  }
}

/** Changes of roles concern everybody, and are counted as such. */
function isAboutAll(changes: ChangeSet): boolean {
  return (
    changes === 'all' ||
    changes.some(({ subject, resource }) => subject === '*' && resource === '**')
  )
}
