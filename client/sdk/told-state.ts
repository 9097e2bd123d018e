/** What the server has said of access and of its store: when it changed, or in answer to a check. */
import type { WireError } from '../../shared/errors.ts'
import type { CheckedMessage } from '../../shared/protocol.ts'
import type { Access } from './document-status.ts'
import type { SyncListener } from './sync-listener.ts'

export class ToldState {
  readonly #listener: Pick<SyncListener, 'onAccess' | 'onStore'>
  #store: 'ok' | 'failing' = 'ok'
  #access: Access | undefined
  /** Why it is less than the token's. */
  #because: WireError | null = null

  constructor(listener: Pick<SyncListener, 'onAccess' | 'onStore'>) {
    this.#listener = listener
  }

  get isStoring(): boolean {
    return this.#store === 'ok'
  }

  /** A hello: where the store is away the next message says so. */
  began(access: Access): void {
    this.#access = access
    this.#because = null
    this.saving('ok')
  }

  saving(state: 'ok' | 'failing'): void {
    if (state === this.#store) return
    this.#store = state
    this.#listener.onStore(state)
  }

  access(access: Access, because: WireError | null): void {
    this.#access = access
    this.#because = because
    this.#listener.onAccess(access, because)
  }

  /** What was told when it changed is told here again: it may have been lost. */
  checked({ access, error, saving }: CheckedMessage): void {
    if (saving !== undefined) this.saving(saving)
    if (access === undefined) return
    if (access !== this.#access || this.#isUnheard(error)) this.access(access, error ?? null)
  }

  /** A viewer knows from the hello that they may not write; that the page is too old they do not. */
  #isUnheard(error: WireError | undefined): boolean {
    return error?.code === 'UPGRADE_REQUIRED' && this.#because?.code !== error.code
  }
}
