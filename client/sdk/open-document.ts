/** A document that this client has open: the Y.Doc, its copy on the device, its way to the server. */
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { WireError } from '../../shared/errors.ts'
import { REMOTE } from './awareness-link.ts'
import {
  KNOWN_ELSEWHERE,
  LOCAL_COPY,
  createBody,
  type Body,
  type BodyHooks,
  type BodyOptions,
} from './document-body.ts'
import { nextStatus, type DocumentEvent } from './document-status.ts'
import { firstState, type DocumentState } from './document-state.ts'
import { Observable, type Readable } from './observable.ts'
import type { StoredCopy } from './offline/offline-store.ts'
import type { StorageProblem } from './offline/storage-problem.ts'
import { mayNotWrite, sameSave, saveStateOf } from './save-state.ts'
import { SignalDesk } from './signals/signal-desk.ts'
import { OTHER_TAB } from './tabs/document-link.ts'
import type { ReplacedBecause } from './tabs/tab-message.ts'

export type { DocumentState } from './document-state.ts'

/** `isTold`: another tab said so, and has told all the others too. */
type NewStart = { readonly why: ReplacedBecause; readonly isTold: boolean }

export type OpenDocumentOptions = BodyOptions & {
  /** Resolves when an earlier hold on the same copy has written its last. */
  readonly ready: Promise<unknown>
  readonly onStorageProblem: (problem: StorageProblem | null) => void
  /** The application looks at it: its user is to be there for others, in this awareness. */
  readonly onShown: (awareness: Awareness) => void
}

export class OpenDocument {
  /** The same in all its lives. */
  readonly signals: SignalDesk
  readonly #options: OpenDocumentOptions
  readonly #state: Observable<DocumentState>
  #body: Body
  #incarnation: string | null = null
  /** Changes up to this number are stored on this device. */
  #kept = 0
  #storeState: 'ok' | 'failing' = 'ok'
  #rejection: WireError | null = null
  /** Why the access is less than the token's: the schema is newer than this client, say. */
  #notice: WireError | null = null
  #closed = false
  #isReplacing = false
  /** Resolves when the copy of the present body was read. */
  #begun: Promise<void>

  constructor(options: OpenDocumentOptions) {
    this.#options = options
    this.signals = new SignalDesk(options.clock)
    const body = this.#createBody({ avoid: null, avoidLife: null, kept: false })
    this.#body = body
    this.#state = new Observable(firstState(body))
    this.#begun = this.#begin(body)
  }

  get state(): Readable<DocumentState> {
    return this.#state
  }

  /** Asks a server that refused once more. */
  retry(): void {
    this.#rejection = null
    this.#body.channel.retry()
  }

  /** Resolves when everything so far is on this device. */
  async flush(): Promise<void> {
    await this.#body.copy.flush()
  }

  /** Pins the copy to this device, or lets go of it. */
  keep(kept: boolean): void {
    this.#body.copy.keep(kept)
  }

  /** The application looks at it: its user is there for others to see. */
  show(): void {
    const { awareness, copy } = this.#body
    copy.touch()
    this.#options.onShown(awareness)
  }

  hide(): void {
    this.#body.awareness.setLocalState(null)
  }

  /** Looks for changes that a tab which is gone has left on this device, and sends them. */
  adopt(): void {
    this.#body.copy.repair('rows')
  }

  /** Ends without writing anything more: the device is being wiped. */
  abandon(): void {
    this.#body.copy.end()
    void this.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const { channel, awareness, doc, link, copy } = this.#body
    this.#options.onStorageProblem(null)
    channel.close()
    link.close()
    // Whoever waits for something is told, and may open it again at once.
    this.#update({ closed: true })
    this.#closed = true
    // What was typed before the copy was read is on its way to it.
    await this.#begun
    await copy.flush()
    copy.end()
    awareness.destroy()
    doc.destroy()
  }

  #createBody(start: Pick<BodyHooks, 'avoid' | 'avoidLife' | 'kept'>): Body {
    const body: Body = createBody({
      ...this.#options,
      ...start,
      signals: this.signals,
      incarnation: () => this.#incarnation,
      onIncarnation: incarnation => void (this.#incarnation = incarnation),
      onReplaced: why => void this.#startAnew(body, { why: why ?? this.#guessWhy(), isTold: true }),
      takeCopy: stored => this.#take(body, stored),
      onKept: change => {
        this.#kept = change
        this.#update({})
      },
      onStorageProblem: problem => this.#onStorageProblem(problem),
      channelListener: {
        onEvent: event => this.#onEvent(event),
        onHello: ({ incarnation, seq, access }) => {
          this.#incarnation = incarnation
          body.copy.belongsTo(incarnation, seq)
          // What was refused is worth knowing for as long as it would be refused again.
          if (access !== 'read') this.#notice = null
          this.#update({ access })
        },
        onAccess: (access, error) => {
          this.#notice = error
          this.#update({ access })
        },
        onSaved: (change, seq) => this.#onSaved(body, { change, seq }),
        onRejected: error => this.#onRejected(body, error),
        onStore: state => {
          this.#storeState = state
          this.#update({})
        },
      },
    })
    return body
  }

  /** The copy first, then the server: the handshake tells what the copy holds. */
  async #begin(body: Body): Promise<void> {
    const { doc, copy, link, channel, early } = body
    // From the first moment on: what is typed while the copy is read must not be lost.
    let isRead = false
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === LOCAL_COPY || origin === OTHER_TAB) return
      if (!isRead) {
        early.push(update)
        if (body === this.#body) this.#update({})
      } else this.#onUpdate(body, { update, isRemote: origin === REMOTE })
    })
    await this.#options.ready
    await copy.load()
    if (body !== this.#body) return
    isRead = true
    for (const update of early.splice(0)) this.#onUpdate(body, { update, isRemote: false })
    if (this.#closed) return
    this.#update({ loaded: true })
    // Whoever waited for it may have let go of it in that very moment.
    if (this.#isOver) return
    link.start(KNOWN_ELSEWHERE)
    channel.start()
  }

  /** A question, because the answer changes behind the compiler's back. */
  get #isOver(): boolean {
    return this.#closed
  }

  /** Takes in a copy; its unsaved changes are ours to send from now on. */
  #take(body: Body, stored: StoredCopy): ReadonlyMap<number, number> {
    const { doc, outbox, channel } = body
    const changes = new Map<number, number>()
    this.#incarnation ??= stored.incarnation
    doc.transact(() => {
      if (stored.snapshot !== null) Y.applyUpdate(doc, stored.snapshot, LOCAL_COPY)
      for (const { update } of stored.rows) Y.applyUpdate(doc, update, LOCAL_COPY)
    }, LOCAL_COPY)
    for (const { id, update, unsaved } of stored.rows) {
      if (unsaved === 0) continue
      changes.set(id, outbox.add(update, unsaved))
      channel.changed(update)
    }
    if (body === this.#body) this.#update({})
    return changes
  }

  /** Of a body that was replaced too: an editor holds on to it for a moment. */
  #onUpdate(
    body: Body,
    { update, isRemote }: { readonly update: Uint8Array; readonly isRemote: boolean },
  ): void {
    if (this.#closed && body !== this.#body) return
    const { outbox, channel, copy } = body
    if (isRemote) return copy.add(update, 0)
    copy.add(update, outbox.add(update))
    channel.changed(update)
    this.#update({})
  }

  #onSaved(body: Body, { change, seq }: { readonly change: number; readonly seq: number }): void {
    if (body.outbox.count === 0) this.#rejection = null
    body.copy.saved(change)
    if (this.#incarnation !== null) body.copy.belongsTo(this.#incarnation, seq)
    this.#update({})
  }

  #onStorageProblem(storageProblem: StorageProblem | null): void {
    this.#options.onStorageProblem(storageProblem)
    this.#update({ persistence: storageProblem === null ? 'ok' : 'degraded', storageProblem })
  }

  #onEvent(event: DocumentEvent): void {
    const status = nextStatus(this.#state.get().status, event)
    this.#update({ status })
    // With the server everybody else left the awareness; other tabs are still there.
    if (event.type === 'disconnected') this.#body.link.refresh()
    if (status.kind === 'refused' && status.error.code === 'INCARNATION_MISMATCH') {
      void this.#startAnew(this.#body, { why: 'another document', isTold: false })
    }
  }

  /**
   * The server does not take a change. Whoever may not write has it set aside, and sees what
   * everybody else sees: left in the document it would be uploaded the day that they may.
   */
  #onRejected(body: Body, error: WireError): void {
    this.#rejection = error
    if (mayNotWrite(error)) this.#notice = error
    this.#update({})
    if (!mayNotWrite(error) || body.outbox.count === 0) return
    void this.#startAnew(body, { why: 'refused changes', isTold: false })
  }

  /** Another tab set the copy aside, and its word has not come yet. */
  #guessWhy(): ReplacedBecause {
    return this.#state.get().access === 'read' ? 'refused changes' : 'another document'
  }

  /** Ours is set aside, and its place taken by the server's. */
  async #startAnew(old: Body, { why, isTold }: NewStart): Promise<void> {
    if (old !== this.#body || this.#isReplacing) return
    this.#isReplacing = true
    old.channel.close()
    const wasShown = old.awareness.getLocalState() !== null
    // Its timer would keep the process alive.
    old.awareness.destroy()
    // Before anything is waited for: nothing of the old one may reach a tab that begins anew.
    if (!isTold) old.link.replaced(this.#incarnation, why)
    old.link.close()
    const avoidLife = old.copy.life
    await old.copy.setAside()
    this.#isReplacing = false
    if (this.#closed) return
    const avoid = why === 'another document' ? this.#incarnation : null
    const body = this.#createBody({ avoid, avoidLife, kept: old.copy.meta.kept })
    this.#incarnation = null
    this.#rejection = null
    this.#storeState = 'ok'
    this.#kept = 0
    this.#body = body
    if (wasShown) this.show()
    const { doc, awareness } = body
    const fresh = { persistence: 'ok', storageProblem: null, loaded: false } as const
    this.#update({ doc, awareness, status: { kind: 'offline' }, ...fresh })
    this.#begun = this.#begin(body)
    await this.#begun
  }

  #update(change: Partial<DocumentState>): void {
    if (this.#closed) return
    const next = { ...this.#state.get(), ...change }
    const { outbox, early } = this.#body
    const unsaved = outbox.count + early.length
    const kept = next.persistence === 'ok' ? Math.max(0, this.#kept - outbox.saved) : 0
    const save = saveStateOf({
      status: next.status,
      unsaved,
      kept,
      store: this.#storeState,
      rejection: this.#rejection,
    })
    this.#state.set({
      ...next,
      notice: this.#notice,
      unsaved,
      kept,
      save: sameSave(next.save, save) ? next.save : save,
    })
  }
}
