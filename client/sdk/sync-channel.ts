/** Speaks the protocol for one document: asks to be let in, exchanges states, hears answers. */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import type { Cancel } from '../../shared/clock.ts'
import { toWeftError, type WireError } from '../../shared/errors.ts'
import {
  authType,
  awarenessFrame,
  closeFrame,
  messageType,
  readSyncStatus,
  statelessFrame,
  syncFrame,
  syncStep,
  type Frame,
} from '../../shared/frames.ts'
import { parseControlMessage, type ControlMessage } from '../../shared/protocol.ts'
import { AwarenessLink, REMOTE } from './awareness-link.ts'
import { closingError } from './closing-error.ts'
import type { Connection, ConnectionUser } from './connection.ts'
import type { DocumentEvent } from './document-status.ts'
import { PATIENCE_MS, Patience } from './patience.ts'
import { ServerGreeting } from './server-greeting.ts'
import type { SyncChannelOptions } from './sync-listener.ts'
import { ShownToken } from './shown-token.ts'
import { StateCheck } from './state-check.ts'
import { ToldState } from './told-state.ts'
import { UpdateSender } from './update-sender.ts'

const BLOCKED_RETRY_MS = 2_000

export class SyncChannel implements ConnectionUser {
  readonly address: string
  readonly #options: SyncChannelOptions
  /** The socket that carries this document. */
  #connection: Connection
  readonly #sender: UpdateSender
  readonly #presence: AwarenessLink
  readonly #check: StateCheck
  readonly #told: ToldState
  readonly #token: ShownToken
  #lastError: WireError | undefined
  readonly #greeting = new ServerGreeting()
  #freshTokenTried = false
  /** A refusal outlives the connection: nothing is asked until {@link retry}. */
  #refused = false
  #cancelRetry: Cancel = () => {}
  readonly #patience: Patience
  /** Counts the askings: an answer that comes after the next one began is nobody's. */
  #asking = 0
  #closed = false

  constructor(options: SyncChannelOptions) {
    this.#options = options
    this.address = options.name
    this.#connection = options.connections.first
    const { name, doc, outbox, awareness, listener, clock } = options
    this.#told = new ToldState(listener)
    this.#patience = new Patience(clock, () => this.#reattach())
    this.#token = new ShownToken(options, frame => this.#send(frame))
    this.#sender = new UpdateSender({
      address: name,
      doc,
      outbox,
      send: frame => this.#send(frame),
      clock,
      onTooLarge: listener.onRejected,
    })
    this.#check = new StateCheck({
      doc,
      clock,
      unsaved: () => outbox.count,
      isStoring: () => this.#told.isStoring,
      isAnswering: () => this.#greeting.isAnswering,
      ask: check =>
        this.#send(statelessFrame(name, JSON.stringify({ type: 'weft.check', ...check }))),
      resync: () => this.#send(syncFrame(name, syncStep.step1, Y.encodeStateVector(doc))),
      reattach: () => this.#reattach(),
      onDiverged: error => {
        this.#leave()
        this.#send(closeFrame(name, error.code))
        this.#event({ type: 'refused', error })
      },
    })
    this.#presence = new AwarenessLink(awareness, own => this.#send(awarenessFrame(name, own)))
  }

  start(): void {
    this.#connection = this.#options.connections.place()
    this.#connection.add(this)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.signals.ended()
    this.#cancelRetry()
    this.#patience.end()
    this.#check.stop()
    this.#presence.close()
    if (this.#asking > 0) this.#send(closeFrame(this.address, 'closed'))
    this.#connection.remove(this)
  }

  /** A change was made here, and is in the outbox. */
  changed(update: Uint8Array): void {
    this.#sender.changed(update)
    this.#check.touched()
  }

  /** Asks to be let in once more, with a fresh token. */
  retry(): void {
    this.#options.tokens.forget()
    this.#refused = false
    this.#event({ type: 'retried', connected: this.#connection.isOpen })
    if (!this.#connection.isOpen) return
    this.#leave()
    this.#event({ type: 'connecting' })
    this.#askAgain()
  }

  // --- what the connection tells ---------------------------------------------------------------

  onConnecting(): void {
    this.#freshTokenTried = false
    this.#event({ type: 'connecting' })
  }

  onOpen(): void {
    this.#greeting.left({ isSocketNew: true })
    if (this.#refused) return
    this.#event({ type: 'connecting' })
    void this.#ask()
  }

  onDisconnected(): void {
    this.#leave()
    this.#event({ type: 'disconnected' })
  }

  onFrame({ type, decoder }: Frame): void {
    switch (type) {
      case messageType.sync:
      case messageType.syncReply:
        return this.#onSync(decoder)
      case messageType.awareness:
        return this.#presence.receive(decoding.readVarUint8Array(decoder))
      case messageType.syncStatus:
        return this.#greeting.isDeaf ? undefined : this.#onSyncStatus(decoder)
      case messageType.auth:
        return this.#onAuth(decoder)
      case messageType.stateless:
        return this.#onControl(parseControlMessage(decoding.readVarString(decoder)))
      case messageType.close:
        return this.#onEnded(decoding.readVarString(decoder))
    }
  }

  // --- being let in ----------------------------------------------------------------------------

  /**
   * On a socket on which it was asked before. The server may know us still, or again, and would take
   * the token for a fresh one: then its counts go on, and ours begin anew.
   */
  #askAgain(): void {
    if (this.#greeting.isWeft) this.#send(closeFrame(this.address, 'again'))
    void this.#ask()
  }

  async #ask(): Promise<void> {
    const { tokens, doc } = this.#options
    this.#cancelRetry()
    this.#patience.end()
    const asking = ++this.#asking
    let token: string
    try {
      token = await tokens.get()
    } catch (error) {
      return this.#block(toWeftError(error).toWire())
    }
    if (this.#closed || asking !== this.#asking) return
    this.#token.show(token, asking)
    // Not waited for: the server keeps it until the document is open, and a round trip is saved.
    this.#send(syncFrame(this.address, syncStep.step1, Y.encodeStateVector(doc)))
    this.#presence.announce()
    this.#event({ type: 'asked' })
    this.#patience.begin()
  }

  #onAuth(decoder: decoding.Decoder): void {
    const type = decoding.readVarUint(decoder)
    if (type === authType.authenticated) return this.#event({ type: 'admitted' })
    if (type === authType.permissionDenied) return this.#onEnded(decoding.readVarString(decoder))
    // The server asks for a fresh token.
    if (type !== authType.token) return
    const asking = this.#asking
    void this.#token.renew(asking, () => !this.#closed && asking === this.#asking)
  }

  #onControl(message: ControlMessage | undefined): void {
    const { listener, signals } = this.#options
    switch (message?.type) {
      case undefined:
      case 'weft.signal':
      case 'weft.answer':
        return signals.heard(message)
      case 'weft.hello':
        // An answer to an earlier question, on its way while we left: what follows it is not for us.
        if (message.asking !== undefined && message.asking !== this.#asking) return undefined
        this.#greeting.heard(message)
        this.#told.began(message.access)
        this.#presence.introduce(message.you)
        this.#sender.limitTo(message.limits.updateBytes)
        this.#connection.expectPings(message.pingIntervalMs)
        listener.onHello(message)
        signals.began(payload => this.#send(statelessFrame(this.address, payload)))
        return this.#event({ type: 'opened', access: message.access })
      case 'weft.saving':
        return this.#told.saving(message.state)
      case 'weft.access':
        return this.#told.access(message.access, message.error ?? null)
      case 'weft.checked':
        if (!this.#check.isAwaiting(message.id)) return undefined
        this.#told.checked(message)
        return this.#check.answered(message.id, message.result)
      case 'weft.error':
        this.#lastError = message.error
        if (this.#sender.flows) return listener.onRejected(message.error)
        // While the document opens this is news; a refusal says so itself, see #onEnded.
        // It is still at it, and says so: no reason to ask anew, unless it falls silent.
        if (!message.error.retryable) return undefined
        this.#patience.begin(PATIENCE_MS + (message.error.retryAfterMs ?? 0))
        return this.#event({ type: 'blocked', error: message.error })
    }
  }

  /** The server ends this document for us. `code` is short; the control message before it is not. */
  #onEnded(code: string): void {
    const error = closingError(code, this.#lastError)
    this.#lastError = undefined
    this.#leave()
    if (error.code.startsWith('TOKEN_') && !this.#freshTokenTried) {
      // A token may have run out since it was made; with a second refusal it is not that.
      this.#freshTokenTried = true
      this.#options.tokens.forget()
      this.#askAgain()
    } else if (error.code === 'TOO_MANY_DOCUMENTS' && this.#movesOn()) return
    else if (error.retryable) this.#block(error)
    else {
      this.#refused = true
      this.#event({ type: 'refused', error })
    }
  }

  /** There is no room on this socket, and perhaps on another one. */
  #movesOn(): boolean {
    const other = this.#options.connections.otherThan(this.#connection)
    if (other === undefined) return false
    this.#connection.remove(this)
    this.#event({ type: 'disconnected' })
    this.#connection = other
    other.add(this)
    return true
  }

  #block(error: WireError): void {
    const waitMs = error.retryAfterMs ?? BLOCKED_RETRY_MS
    this.#event({ type: 'blocked', error })
    this.#connection.stayAway(waitMs)
    this.#cancelRetry()
    this.#cancelRetry = this.#options.clock.after(waitMs, () => {
      if (this.#connection.isOpen) this.#askAgain()
    })
  }

  /**
   * Out and in again, on the same socket. Answers to what was sent before come before the server's
   * new hello, and nothing is sent before that: they cannot be mistaken for answers to what follows.
   */
  #reattach(): void {
    this.#leave()
    this.#send(closeFrame(this.address, 'again'))
    this.#event({ type: 'disconnected' })
    this.#event({ type: 'connecting' })
    void this.#ask()
  }

  #leave(): void {
    this.#asking += 1
    this.#greeting.left({ isSocketNew: false })
    this.#options.signals.ended()
    this.#patience.end()
    this.#check.stop()
    this.#cancelRetry()
    this.#sender.stop()
    this.#presence.forgetOthers()
  }

  // --- syncing ---------------------------------------------------------------------------------

  #onSync(decoder: decoding.Decoder): void {
    const step = decoding.readVarUint(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    const incarnation = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : undefined
    if (!this.#greeting.accepts(step, incarnation)) return
    if (step !== syncStep.step1) {
      Y.applyUpdate(this.#options.doc, payload, REMOTE)
      return this.#check.received()
    }
    this.#sender.answer(payload)
    this.#patience.end()
    this.#check.start()
    this.#event({ type: 'synced' })
  }

  #onSyncStatus(decoder: decoding.Decoder): void {
    const status = readSyncStatus(decoder)
    this.#check.touched()
    const saved = this.#options.outbox.settle(status)
    if (saved !== undefined) this.#options.listener.onSaved(saved, status.seq)
  }

  #event(event: DocumentEvent): void {
    if (!this.#closed) this.#options.listener.onEvent(event)
  }

  #send(frame: Uint8Array): void {
    this.#connection.send(frame)
  }
}
