/** Keeps a live document in step with the same one on other nodes: tells, hears, and finds gaps. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { toWeftError } from '../../shared/errors.ts'
import type { Random } from '../../shared/random.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import {
  decodeDocumentMessage,
  documentChannel,
  encodeDocumentMessage,
  type DocumentMessage,
  type HeldChange,
  type StoredNote,
  type ToldChange,
} from '../fanout/document-message.ts'
import type { Fanout } from '../fanout/fanout.ts'
import type { LiveDocument } from './live-document.ts'

export type NodeLinkOptions = {
  readonly fanout: Fanout
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  /** Runs an action at the end of this turn of the event loop. */
  readonly defer: (action: () => void) => void
}

/** What we have of one other node's changes. */
type Heard = {
  /** It has told so many. */
  count: number
  /** Up to here some may be missing, so what it says of the journal proves nothing for us. */
  holeUpTo: number
}

/** Questions after a gap: the first at once, all others only while there is no answer. */
const ASK = { spreadMs: 40, againMs: 300, timesMax: 6 }
/** Nobody waits for a beat; it finds what nothing else has found. */
const BEAT = { minMs: 20_000, spreadMs: 20_000 }
/** In the place of a node's id: an answer that nobody has asked for. */
const EVERYBODY = '*'
const MESSAGE_BYTES_MAX = 1 << 20

export class NodeLink {
  readonly #document: LiveDocument
  readonly #options: NodeLinkOptions
  readonly #channel: string
  readonly #heard = new Map<string, Heard>()
  /** Nodes that have told something which did not arrive. */
  readonly #owing = new Set<string>()
  readonly #stops: (() => void)[]
  #changes: ToldChange[] = []
  #isScheduled = false
  #cancelAsk: Cancel | undefined
  #cancelBeat: Cancel = () => {}
  #asked = 0
  #isLooking = false
  #isClosed = false

  constructor(document: LiveDocument, options: NodeLinkOptions) {
    const { fanout, clock } = options
    this.#document = document
    this.#options = options
    this.#channel = documentChannel(document.name)
    const subscription = fanout.subscribe(this.#channel, (payload, from) =>
      this.#onMessage(payload, from),
    )
    // What was said before we listened is asked for; what was stored before is in the document.
    void subscription.ready.then(() => this.#say({ kind: 'ask' }))
    this.#stops = [
      () => subscription.close(),
      fanout.onLink(link => {
        if (link === 'up') this.#meetAgain()
      }),
      fanout.onNodeGone(node => this.#forget(node)),
      document.listen({
        onUpdate: (update, origin) => {
          if (origin?.path === 'theirs') return
          const author = origin?.author ?? 'server'
          const handsOver = origin?.kind === 'state'
          this.#tell({ author, at: clock.now(), handsOver, update })
        },
      }),
    ]
    this.#beatLater()
  }

  close(): void {
    if (this.#isClosed) return
    // What was made in this turn is told: whoever ends the document does not end the others'.
    this.#flush()
    this.#isClosed = true
    for (const stop of this.#stops) stop()
    this.#cancelAsk?.()
    this.#cancelBeat()
  }

  // --- telling -------------------------------------------------------------------------------

  #tell(change: ToldChange): void {
    this.#changes.push(change)
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#options.defer(() => this.#flush())
  }

  /** One message for all changes of a turn. */
  #flush(): void {
    this.#isScheduled = false
    const changes = this.#changes
    this.#changes = []
    if (changes.length === 0 || this.#isClosed) return
    const { nodes } = this.#document
    this.#say({ kind: 'changes', count: nodes.ownCount, changes, stored: nodes.takeNote() })
  }

  #say(message: Said): void {
    if (this.#isClosed) return
    const { incarnation } = this.#document
    this.#options.fanout.publish(this.#channel, encodeDocumentMessage({ ...message, incarnation }))
  }

  // --- hearing -------------------------------------------------------------------------------

  #onMessage(payload: Uint8Array, from: string): void {
    if (this.#isClosed) return
    const { metrics, log } = this.#options
    try {
      const message = decodeDocumentMessage(payload)
      // Of another life: the journal says which of the two is over.
      if (message.incarnation !== this.#document.incarnation) return this.#lookUp()
      this.#hear(message, from)
    } catch (error) {
      const { code, message } = toWeftError(error)
      metrics.nodeMessagesRefused.inc({ code })
      log.warn({ code, reason: message, node: from }, 'a message of another node was dropped')
    }
  }

  #hear(message: DocumentMessage, from: string): void {
    switch (message.kind) {
      case 'changes':
        return this.#onChanges(message, from)
      case 'ask':
        return this.#answer(from)
      case 'answer':
        return this.#isFor(message.to) ? this.#onAnswer(message, from) : undefined
      case 'beat':
        return this.#onBeat(message, from)
      case 'gone':
        return this.#lookUp()
    }
  }

  #isFor(to: string): boolean {
    return to === EVERYBODY || to === this.#options.fanout.node
  }

  #onChanges({ count, changes, stored }: MessageOf<'changes'>, from: string): void {
    const before = count - changes.length
    const heard = this.#heard.get(from) ?? { count: before, holeUpTo: before }
    this.#heard.set(from, heard)
    const isMissed = before > heard.count
    if (isMissed) heard.holeUpTo = before
    heard.count = Math.max(heard.count, count)
    const isTaken = this.#take(changes.map(change => ({ ...change, node: from, count })))
    if (!isTaken) heard.holeUpTo = count
    if (isMissed || !isTaken) this.#miss(from)
    this.#noteStored(stored, { from, heard })
  }

  #noteStored({ count, since, ranges }: StoredNote, by: { from: string; heard: Heard }): void {
    const isProven = since >= by.heard.holeUpTo
    this.#document.nodes.noteStored(by.from, { count, ranges: isProven ? ranges : [] })
  }

  /** False when something did not fit: it leans on what has not arrived. */
  #take(changes: readonly HeldChange[]): boolean {
    let isWhole = true
    for (const change of changes) {
      try {
        const outcome = this.#document.nodes.receive(change)
        if (outcome === 'gap') isWhole = false
      } catch (error) {
        // Refused here and taken there: the journal will have the last word.
        isWhole = false
        const { code, message } = toWeftError(error)
        this.#options.metrics.nodeMessagesRefused.inc({ code })
        this.#options.log.warn(
          { code, reason: message, node: change.node },
          'a change was not taken',
        )
      }
    }
    return isWhole
  }

  #onAnswer({ count, changes }: MessageOf<'answer'>, from: string): void {
    this.#owing.delete(from)
    const heard = this.#heard.get(from) ?? { count, holeUpTo: count }
    this.#heard.set(from, heard)
    heard.count = Math.max(heard.count, count)
    // It holds what is not stored; what was missed and is stored by now has to be read.
    heard.holeUpTo = Math.max(heard.holeUpTo, count)
    if (!this.#take(changes)) this.#lookUp()
  }

  /** What was told while the link was down was dropped, and so was what others told. */
  #meetAgain(): void {
    this.#answer(EVERYBODY)
    this.#askSoon()
  }

  #forget(node: string): void {
    this.#heard.delete(node)
    this.#owing.delete(node)
  }

  // --- gaps ----------------------------------------------------------------------------------

  #miss(node: string): void {
    this.#options.metrics.nodeGaps.inc()
    this.#owing.add(node)
    this.#asked = 0
    this.#askSoon()
  }

  /** A moment later, so that several gaps, and several nodes, do not all ask at once. */
  #askSoon(): void {
    const { clock, random } = this.#options
    this.#cancelAsk ??= clock.after(random.next() * ASK.spreadMs, () => this.#ask())
  }

  #ask(): void {
    const { clock } = this.#options
    this.#cancelAsk?.()
    this.#cancelAsk = undefined
    this.#say({ kind: 'ask' })
    this.#lookUp()
    this.#asked += 1
    if (this.#owing.size === 0 || this.#asked >= ASK.timesMax || this.#isClosed) return
    this.#cancelAsk = clock.after(ASK.againMs, () => {
      this.#cancelAsk = undefined
      if (this.#owing.size > 0) this.#ask()
    })
  }

  /** Everything that the journal may not have, in as many messages as that takes. */
  #answer(to: string): void {
    this.#flush()
    const { nodes } = this.#document
    const count = nodes.ownCount
    let changes: HeldChange[] = []
    let bytes = 0
    for (const change of nodes.undurable(this.#options.fanout.node)) {
      if (changes.length > 0 && bytes + change.update.byteLength > MESSAGE_BYTES_MAX) {
        this.#say({ kind: 'answer', to, count, changes })
        changes = []
        bytes = 0
      }
      changes.push(change)
      bytes += change.update.byteLength
    }
    this.#say({ kind: 'answer', to, count, changes })
  }

  /** What has become durable is in the journal. When that is away, the next look finds it. */
  #lookUp(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#document.nodes
      .refresh()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false
      })
  }

  // --- beats ---------------------------------------------------------------------------------

  #beatLater(): void {
    const { clock, random } = this.#options
    this.#cancelBeat = clock.after(BEAT.minMs + random.next() * BEAT.spreadMs, () => {
      this.#beat()
      this.#beatLater()
    })
  }

  #beat(): void {
    const document = this.#document
    if (this.#options.fanout.nodes().length === 0 || !document.isClean) return
    const digest = document.digest()
    if (digest === undefined) return
    this.#say({ kind: 'beat', count: document.nodes.ownCount, seq: document.seq, digest })
  }

  #onBeat({ count, seq, digest }: MessageOf<'beat'>, from: string): void {
    const document = this.#document
    const heard = this.#heard.get(from)
    if (heard !== undefined && count > heard.count) return this.#miss(from)
    if (seq > document.seq) return this.#lookUp()
    if (seq < document.seq || !document.isClean) return
    const ours = document.digest()
    if (ours === undefined || ours === digest) return
    document.nodes.differs(from)
  }
}

type MessageOf<Kind extends DocumentMessage['kind']> = Extract<DocumentMessage, { kind: Kind }>
type Said = DocumentMessage extends infer One
  ? One extends DocumentMessage
    ? Omit<One, 'incarnation'>
    : never
  : never
