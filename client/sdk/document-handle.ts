/** What an application holds of an open document. */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { WeftError } from '../../shared/errors.ts'
import { matchesTopic, type SignalAudience } from '../../shared/signals.ts'
import type { DocumentStatus } from './document-status.ts'
import { firstValue, type Readable } from './observable.ts'
import type { DocumentState, OpenDocument } from './open-document.ts'
import type { SignalListener, SignalReceipt } from './signals/signal-desk.ts'

/**
 * A hold on a document; several holds share one Y.Doc, and the last one that closes ends it.
 *
 * @example
 * const notes = client.open('acme/notes')
 * notes.doc.getText('body').insert(0, 'Hello')
 * await notes.whenSaved() // the edit is on the server's disk
 * notes.close()
 */
export class DocumentHandle {
  readonly name: string
  readonly #document: OpenDocument
  readonly #onClose: () => void
  /** What this hold listens to and follows. */
  readonly #stops = new Set<() => void>()
  #closed = false

  constructor(name: string, document: OpenDocument, onClose: () => void) {
    this.name = name
    this.#document = document
    this.#onClose = onClose
  }

  /** Everything at once, for watching; the object changes only when something in it does. */
  get state(): Readable<DocumentState> {
    return this.#document.state
  }

  /** The shared document. Another one after the server's was deleted and made anew. */
  get doc(): Y.Doc {
    return this.state.get().doc
  }

  /** The same, under the name that editor bindings look for. */
  get document(): Y.Doc {
    return this.doc
  }

  /** Who else is here; the shape that editor bindings expect of a provider. */
  get awareness(): Awareness {
    return this.state.get().awareness
  }

  get status(): DocumentStatus {
    return this.state.get().status
  }

  /** True only when every change made here is durable on the server. */
  get saved(): boolean {
    const { loaded, unsaved } = this.state.get()
    // Until the copy on this device is read, nobody knows what it holds.
    return loaded && unsaved === 0
  }

  /** Calls `listener` after each change of {@link state}, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    return this.state.subscribe(listener)
  }

  /** Resolves when the copy on this device has been read. Works offline. */
  async whenLoaded(): Promise<void> {
    await firstValue(this.state, ({ loaded, closed }) => loaded || closed)
  }

  /** Resolves when both sides have what the other had. Rejects when the server refuses. */
  async whenSynced(): Promise<void> {
    await this.#reach(({ status }) => status.kind === 'live')
  }

  /**
   * Resolves when every change made so far is durable on the server. Rejects with a
   * {@link WeftError} when the server refuses the document or a change; offline it waits.
   */
  async whenSaved(): Promise<void> {
    await this.#reach(({ unsaved, loaded }) => loaded && unsaved === 0)
  }

  /**
   * Sends a small message to whoever is on the document now; whoever is away misses it. `to` names a
   * user, a session (its client id in awareness) or those who follow a topic. Rejects with a
   * {@link WeftError}: at once, with one that is retryable, while there is no connection.
   *
   * @example
   * const { receivers } = await notes.signal('chat.message', { text: 'Hi' })
   */
  async signal(type: string, data?: unknown, to: SignalAudience = {}): Promise<SignalReceipt> {
    if (this.#closed) throw new WeftError('SHUTTING_DOWN', 'the document was closed before')
    return this.#document.signals.send({ type, data, to })
  }

  /**
   * Calls `listener` for each signal of the type, or of a pattern (`chat.*`, `*`), until the returned
   * function is called. One's own are not among them.
   */
  onSignal(typePattern: string, listener: SignalListener): () => void {
    return this.#until(this.#document.signals.listen(typePattern, listener))
  }

  /**
   * Gets the signals of a topic, or of a pattern of topics, until the returned function is called;
   * again after each reconnect. They come to {@link onSignal} too. Throws SIGNAL_INVALID for what is no
   * pattern; `onError` is told when the application has no such topic.
   */
  follow(
    topicPattern: string,
    listener: SignalListener = () => {},
    onError: (error: WeftError) => void = () => {},
  ): () => void {
    const { signals } = this.#document
    const stopFollowing = signals.follow(topicPattern, onError)
    const stopListening = signals.listen('*', signal => {
      const { topic } = signal.to
      if (topic !== undefined && matchesTopic(topicPattern, topic)) listener(signal)
    })
    return this.#until(() => {
      stopFollowing()
      stopListening()
    })
  }

  /** Asks a server that refused once more, with a fresh token. */
  retry(): void {
    this.#document.retry()
  }

  /** Lets go. Unsaved changes stay on this device and are sent when the document is next open. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const stop of Array.from(this.#stops)) stop()
    this.#onClose()
  }

  #until(stop: () => void): () => void {
    const once = () => {
      if (this.#stops.delete(once)) stop()
    }
    this.#stops.add(once)
    return once
  }

  /** {@link close}, by the name that it has with other providers. */
  destroy(): void {
    this.close()
  }

  async #reach(isReached: (state: DocumentState) => boolean): Promise<void> {
    const reached = await firstValue(
      this.state,
      state => isReached(state) || refusalIn(state) !== null || state.closed,
    )
    const refusal = refusalIn(reached)
    if (isReached(reached)) return
    if (refusal !== null) throw refusal
    throw new WeftError('SHUTTING_DOWN', 'the document was closed before')
  }
}

function refusalIn({ status, save }: DocumentState): WeftError | null {
  const error =
    status.kind === 'refused'
      ? status.error
      : save.kind === 'not saving' && status.kind !== 'blocked'
        ? save.error
        : null
  // The server being unable just now is a reason to wait, not to give up.
  return error === null || error.retryable ? null : new WeftError(error.code, error.message)
}
