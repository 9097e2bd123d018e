/** A document that this client has open: the Y.Doc, its copy on the device, its way to the server. */
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import type { WireError } from '../../shared/errors.ts'
import { REMOTE } from './awareness-link.ts'
import type { Connection } from './connection.ts'
import {
  nextStatus,
  type Access,
  type DocumentEvent,
  type DocumentStatus,
} from './document-status.ts'
import { Observable, type Readable } from './observable.ts'
import { LocalCopy } from './offline/local-copy.ts'
import type { OfflineStore } from './offline/offline-store.ts'
import { Outbox } from './outbox.ts'
import { saveStateOf, type SaveState } from './save-state.ts'
import { SyncChannel } from './sync-channel.ts'
import type { TokenSource } from './token-source.ts'

/** Everything there is to know about an open document, at one moment. */
export type DocumentState = {
  /** Another one after the document was deleted and made anew on the server. */
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly status: DocumentStatus
  /** What the token allows; null until the server has said so. */
  readonly access: Access | null
  readonly save: SaveState
  /** Changes that are not durable on the server. */
  readonly unsaved: number
  /** How many of these are stored on this device: closing the page does not lose them. */
  readonly kept: number
  /** The copy on this device has been read, or there is none. */
  readonly loaded: boolean
  /** `degraded`: this device does not keep a copy any more; close to the tab and it is gone. */
  readonly persistence: 'ok' | 'degraded'
}

export type OpenDocumentOptions = {
  readonly name: string
  readonly connection: Connection
  readonly tokens: TokenSource
  readonly store: Promise<OfflineStore>
  readonly clock: Clock
}

/** One life of the Y.Doc: replaced as a whole when the server's document is another one. */
type Body = {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly outbox: Outbox
  readonly channel: SyncChannel
  readonly copy: Promise<LocalCopy>
}

/** Origin of what comes from this device's own copy. */
const LOCAL_COPY = Symbol('weft: from the local copy')

export class OpenDocument {
  readonly #options: OpenDocumentOptions
  readonly #state: Observable<DocumentState>
  #body: Body
  #incarnation: string | null = null
  /** Changes up to this number are stored on this device. */
  #kept = 0
  #storeState: 'ok' | 'failing' = 'ok'
  #rejection: WireError | null = null
  #closed = false
  /** Settled when the copy of the document before this one is out of the way. */
  #aside: Promise<void> = Promise.resolve()

  constructor(options: OpenDocumentOptions) {
    this.#options = options
    const body = this.#createBody()
    this.#body = body
    this.#state = new Observable<DocumentState>({
      doc: body.doc,
      awareness: body.awareness,
      status: { kind: 'offline' },
      access: null,
      save: { kind: 'offline', changes: 0, kept: 0 },
      unsaved: 0,
      kept: 0,
      loaded: false,
      persistence: 'ok',
    })
    void this.#begin(body)
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
    await this.#aside
    await (await this.#body.copy).flush()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { channel, awareness, doc } = this.#body
    channel.close()
    await this.flush()
    awareness.destroy()
    doc.destroy()
  }

  #createBody(): Body {
    const { name, connection, tokens, clock, store } = this.#options
    const doc = new Y.Doc()
    const awareness = new Awareness(doc)
    const outbox = new Outbox()
    const copy = store.then(
      offline =>
        new LocalCopy({
          name,
          store: offline,
          encodeState: () => Y.encodeStateAsUpdate(doc),
          onKept: change => {
            if (body !== this.#body) return
            this.#kept = change
            this.#update({})
          },
          onDegraded: () => this.#update({ persistence: 'degraded' }),
        }),
    )
    const channel = new SyncChannel({
      name,
      doc,
      awareness,
      outbox,
      connection,
      tokens,
      clock,
      incarnation: () => this.#incarnation,
      listener: {
        onEvent: event => this.#onEvent(event),
        onHello: ({ incarnation, seq, access }) => {
          this.#incarnation = incarnation
          void copy.then(local => local.belongsTo(incarnation, seq))
          this.#update({ access })
        },
        onSaved: (change, seq) => this.#onSaved(body, { change, seq }),
        onRejected: error => {
          this.#rejection = error
          this.#update({})
        },
        onStore: state => {
          this.#storeState = state
          this.#update({})
        },
      },
    })
    const body: Body = { doc, awareness, outbox, channel, copy }
    return body
  }

  /** The copy first, then the server: the handshake tells what the copy holds. */
  async #begin(body: Body, ready: Promise<void> = Promise.resolve()): Promise<void> {
    const { doc, outbox } = body
    // From the first moment on: what is typed while the copy is read must not be lost.
    const early: Uint8Array[] = []
    let copy: LocalCopy | undefined
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === LOCAL_COPY) return
      if (copy === undefined) early.push(update)
      else this.#onUpdate(body, { update, copy, isRemote: origin === REMOTE })
    })
    const opened = await body.copy
    await ready
    const loaded = await opened.load()
    if (body !== this.#body || this.#closed) return
    if (loaded !== undefined) {
      this.#incarnation = loaded.incarnation
      doc.transact(() => {
        if (loaded.snapshot !== null) Y.applyUpdate(doc, loaded.snapshot, LOCAL_COPY)
        for (const { update } of loaded.rows) Y.applyUpdate(doc, update, LOCAL_COPY)
      }, LOCAL_COPY)
      for (const { update, unsaved } of loaded.rows)
        if (unsaved > 0) this.#kept = outbox.add(update, unsaved)
    }
    copy = opened
    for (const update of early) this.#onUpdate(body, { update, copy, isRemote: false })
    this.#update({ loaded: true })
    body.channel.start()
  }

  #onUpdate(
    { outbox, channel }: Body,
    change: { readonly update: Uint8Array; readonly copy: LocalCopy; readonly isRemote: boolean },
  ): void {
    const { update, copy, isRemote } = change
    if (isRemote) return copy.add(update, 0)
    copy.add(update, outbox.add(update))
    channel.changed(update)
    this.#update({})
  }

  #onSaved(body: Body, { change, seq }: { readonly change: number; readonly seq: number }): void {
    if (body.outbox.count === 0) this.#rejection = null
    void body.copy.then(copy => {
      copy.saved(change)
      if (this.#incarnation !== null) copy.belongsTo(this.#incarnation, seq)
    })
    this.#update({})
  }

  #onEvent(event: DocumentEvent): void {
    const status = nextStatus(this.#state.get().status, event)
    this.#update({ status })
    if (status.kind === 'refused' && status.error.code === 'INCARNATION_MISMATCH') {
      void this.#startAnew()
    }
  }

  /** The server's document is another one: ours is set aside, and its place taken by theirs. */
  async #startAnew(): Promise<void> {
    const old = this.#body
    old.channel.close()
    this.#incarnation = null
    this.#rejection = null
    this.#kept = 0
    const body = this.#createBody()
    this.#body = body
    this.#aside = old.copy.then(copy => copy.setAside(this.#options.clock.now()))
    // The new document takes edits before the old one is out of the way: an edit in between would
    // belong to neither, or be stored as part of the other.
    const begun = this.#begin(body, this.#aside)
    const { doc, awareness } = body
    this.#update({ doc, awareness, status: { kind: 'offline' }, loaded: false })
    // The old document stays readable for whoever still shows it; its timer must not stay.
    old.awareness.destroy()
    await begun
  }

  #update(change: Partial<DocumentState>): void {
    if (this.#closed) return
    const next = { ...this.#state.get(), ...change }
    const { count: unsaved, saved } = this.#body.outbox
    const kept = next.persistence === 'ok' ? Math.max(0, this.#kept - saved) : 0
    const save = saveStateOf({
      status: next.status,
      unsaved,
      kept,
      store: this.#storeState,
      rejection: this.#rejection,
    })
    this.#state.set({ ...next, unsaved, kept, save: sameSave(next.save, save) ? next.save : save })
  }
}

/** Keeps the object while it says the same, so that watchers of it are not woken. */
function sameSave(a: SaveState, b: SaveState): boolean {
  if (a.kind === 'saved' || b.kind === 'saved') return a.kind === b.kind
  if (a.kind !== b.kind || a.changes !== b.changes) return false
  if (a.kind === 'offline' && b.kind === 'offline') return a.kept === b.kept
  return a.kind !== 'not saving' || b.kind !== 'not saving' || a.error === b.error
}
