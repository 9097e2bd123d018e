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
  /** Of the revocations that the passes live by; whoever takes something back may have read them first. */
  #revokedVersion = 0
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
    this.#revokedVersion = this.#options.revocations.version
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

  /** One of the two that fails does not hold up the other. */
  async #lookOnce(): Promise<void> {
    const looks = await Promise.allSettled([this.#lookForRevocations(), this.#lookForChanges()])
    const failure = looks.find(look => look.status === 'rejected')
    if (failure !== undefined && !this.#isFailing) {
      this.#options.log.warn({ err: failure.reason }, 'changes of access cannot be read')
    }
    this.#isFailing = failure !== undefined
  }

  async #lookForRevocations(): Promise<void> {
    const { passes, revocations } = this.#options
    await revocations.poll()
    const { version } = revocations
    if (version === this.#revokedVersion) return
    for (const pass of Array.from(passes)) pass.recheck()
    this.#revokedVersion = version
  }

  async #lookForChanges(): Promise<void> {
    const { store, policy, passes } = this.#options
    const { version, changes } = await store.changesSince(this.#version)
    if (version === this.#version) return
    if (isAboutAll(changes)) await store.loadRoles()
    policy.changed(changes)
    await refreshAll(Array.from(passes).filter(pass => pass.isConcernedBy(changes)))
    // Last: when a pass could not be refreshed, the next look does it again.
    this.#version = version
  }
}

/** All that can be; rejects when one could not. */
async function refreshAll(passes: readonly Pass[]): Promise<void> {
  const failures: unknown[] = []
  for (let i = 0; i < passes.length; i += AT_ONCE) {
    const some = passes.slice(i, i + AT_ONCE)
    const refreshed = await Promise.allSettled(some.map(pass => pass.refresh()))
    for (const one of refreshed) if (one.status === 'rejected') failures.push(one.reason)
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, `the rules of ${failures.length} passes cannot be read`)
  }
}

/** Changes of roles concern everybody, and are counted as such. */
function isAboutAll(changes: ChangeSet): boolean {
  return (
    changes === 'all' ||
    changes.some(({ subject, resource }) => subject === '*' && resource === '**')
  )
}
