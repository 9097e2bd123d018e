/** What an application holds of a space that it is in. */
import type { Awareness } from 'y-protocols/awareness'
import type { JoinedView, SpaceDetailsView } from '../../../shared/space-views.ts'
import type { SignalAudience } from '../../../shared/signals.ts'
import type { DocumentHandle } from '../document-handle.ts'
import type { DocumentStatus } from '../document-status.ts'
import type { SignalListener, SignalReceipt } from '../signals/signal-desk.ts'
import type { ClientSpaces, PageOrder } from './client-spaces.ts'

/**
 * A hold on a space: whoever has one is present in it, without any of its documents.
 *
 * @example
 * const space = client.space('acme/plan-7')
 * space.awareness.setLocalStateField('viewing', 'board')
 * await space.whenPresent()
 * const { members } = await space.members()
 * space.close()
 */
export class SpaceHandle {
  readonly name: string
  /** Of the space's own document, which has no content. */
  readonly handle: DocumentHandle
  readonly #spaces: ClientSpaces

  constructor(name: string, handle: DocumentHandle, spaces: ClientSpaces) {
    this.name = name
    this.handle = handle
    this.#spaces = spaces
  }

  /** `refused` with SPACE_CLOSED or FORBIDDEN; `blocked` with SPACE_FULL, and tried again. */
  get status(): DocumentStatus {
    return this.handle.status
  }

  /** Who is here. */
  get awareness(): Awareness {
    return this.handle.awareness
  }

  /** Calls `listener` after each change of {@link status}, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    return this.handle.subscribe(listener)
  }

  /** Resolves when one is in it. Rejects when the server refuses; a full space is waited for. */
  whenPresent(): Promise<void> {
    return this.handle.whenSynced()
  }

  /** Sends a small message to whoever is in the space now, as {@link DocumentHandle.signal}. */
  signal(type: string, data?: unknown, to: SignalAudience = {}): Promise<SignalReceipt> {
    return this.handle.signal(type, data, to)
  }

  /** Hears what others, and programs over REST, send to the space; not what is sent to its documents. */
  onSignal(typePattern: string, listener: SignalListener): () => void {
    return this.handle.onSignal(typePattern, listener)
  }

  /** Asks a server that refused once more: when a closed space was opened again, say. */
  retry(): void {
    this.handle.retry()
  }

  info(): Promise<SpaceDetailsView> {
    return this.#spaces.info(this.name)
  }

  members(query: PageOrder = {}): ReturnType<ClientSpaces['members']> {
    return this.#spaces.members(this.name, query)
  }

  /** Becomes a member, where everybody may; what was refused before is tried again. */
  async join(): Promise<JoinedView> {
    const joined = await this.#spaces.join(this.name)
    if (this.status.kind === 'refused') this.handle.retry()
    return joined
  }

  /** Is a member no more; what others have given otherwise stays. */
  leave(): Promise<void> {
    return this.#spaces.leave(this.name)
  }

  /** Lets go: others see that this window is not here any more. Members stay members. */
  close(): void {
    this.handle.close()
  }

  /** {@link close}, by the name that it has with other providers. */
  destroy(): void {
    this.close()
  }
}
