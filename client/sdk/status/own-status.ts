/** The own status, told on every document that is shown: what was chosen, and away when nobody is here. */
import type { Awareness } from 'y-protocols/awareness'
import type { PresenceStatus } from '../../../shared/presence.ts'
import { Observable, type Readable } from '../observable.ts'
import type { TabGroup } from '../tabs/tab-group.ts'
import type { Attendance, IdleWatch } from './idle-watch.ts'

export type ClientStatus = {
  /** As others see it. */
  readonly current: Readable<PresenceStatus>
  /** What was chosen; `online` unless something was. */
  readonly chosen: Readable<PresenceStatus>
  /**
   * In all tabs. `online` becomes `away` when nobody is here; the others stay until something
   * else is chosen. Who is `offline` is here, and shown to nobody as such.
   */
  readonly choose: (status: PresenceStatus) => void
}

export type OwnStatusOptions = {
  readonly tabs: TabGroup
  /** Undefined where nobody can be away: a program in Node. */
  readonly idle: IdleWatch | undefined
  /** Those of all open documents. */
  readonly awarenesses: () => Iterable<Awareness>
}

export class OwnStatus implements ClientStatus {
  readonly #options: OwnStatusOptions
  readonly #chosen = new Observable<PresenceStatus>('online')
  readonly #current = new Observable<PresenceStatus>('online')
  /** What this client said where: whatever else stands there was put there by the application. */
  readonly #told = new WeakMap<Awareness, PresenceStatus>()
  readonly #stops: (() => void)[]

  constructor(options: OwnStatusOptions) {
    const { tabs, idle } = options
    this.#options = options
    this.#stops = [
      tabs.listen({
        onMessage: message => {
          if (message.type === 'status') this.#take(message.status)
          // A tab that has come knows nothing of what was chosen before.
          if (message.type === 'hello' && this.#chosen.get() !== 'online') this.#post()
        },
      }),
    ]
    if (idle !== undefined) this.#stops.push(idle.attendance.subscribe(() => this.#update()))
  }

  get current(): Readable<PresenceStatus> {
    return this.#current
  }

  get chosen(): Readable<PresenceStatus> {
    return this.#chosen
  }

  readonly choose = (status: PresenceStatus): void => {
    this.#take(status)
    this.#post()
  }

  /** Of a document that is shown from now on. */
  show(awareness: Awareness): void {
    if (awareness.getLocalState() === null) awareness.setLocalState({})
    this.#tell(awareness)
  }

  end(): void {
    for (const stop of this.#stops) stop()
  }

  #post(): void {
    this.#options.tabs.post({ type: 'status', status: this.#chosen.get() })
  }

  #take(status: PresenceStatus): void {
    this.#chosen.set(status)
    this.#update()
  }

  #update(): void {
    const attendance: Attendance = this.#options.idle?.attendance.get() ?? 'here'
    const chosen = this.#chosen.get()
    this.#current.set(chosen === 'online' && attendance === 'away' ? 'away' : chosen)
    for (const awareness of this.#options.awarenesses()) this.#tell(awareness)
  }

  #tell(awareness: Awareness): void {
    const state = awareness.getLocalState()
    if (state === null) return
    const status = this.#current.get()
    const said: unknown = state['status']
    const told = this.#told.get(awareness)
    // Left out it is online; and a status that the application gave is its own, unless it is online.
    if (said === status || (said === undefined && status === 'online')) return
    if (said !== undefined && said !== 'online' && said !== told) return
    this.#told.set(awareness, status)
    awareness.setLocalStateField('status', status)
  }
}
