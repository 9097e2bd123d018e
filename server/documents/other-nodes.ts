/** What other nodes do to a document that is live here: what they told, and what they stored. */
import * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName } from '../../shared/names.ts'
import type { Metrics } from '../base/metrics.ts'
import type { HeldChange, StoredNote, ToldChange } from '../fanout/document-message.ts'
import type { Entry, Journal, Position } from '../journal/journal.ts'
import { applyWhole } from './apply-whole.ts'
import type { DocumentLog } from './document-log.ts'
import type { ClientIds } from './client-ids.ts'
import type { WriteOrigin } from './document-write.ts'
import { ForeignChanges, type ForeignChange } from './foreign-changes.ts'
import type { LiveDocument } from './live-document.ts'
import type { UnsavedBudget } from './unsaved.ts'
import { isKnown, repeatsKnown, type UpdateKind } from './update-check.ts'
import type { UpdateGate } from './update-gate.ts'

export type OtherNodesOptions = {
  readonly journal: Journal
  readonly budget: UnsavedBudget
  readonly clock: Clock
  readonly metrics: Metrics
  readonly gate: UpdateGate
  readonly clientIds: ClientIds
  readonly journaled: DocumentLog
  /** The journal has the document at this version of the schema. */
  readonly onSchema: (schema: number) => void
  /** The copy in memory cannot be trusted any more. */
  readonly onBroken: (error: unknown) => void
}

export class OtherNodes {
  readonly #document: LiveDocument
  readonly #options: OtherNodesOptions
  readonly #foreign: ForeignChanges

  constructor(document: LiveDocument, options: OtherNodesOptions) {
    this.#document = document
    this.#options = options
    this.#foreign = new ForeignChanges(options.budget)
  }

  /** Changes in the document that others have still to store, as far as this node knows. */
  get owe(): number {
    return this.#foreign.size
  }

  /**
   * Takes a change that another node has shown to its clients, and that it will store. Throws
   * UPDATE_INVALID, UPDATE_TOO_LARGE, DOCUMENT_TOO_LARGE or JOURNAL_FULL; then the document is as
   * it was.
   */
  receive(change: Omit<ForeignChange, 'since'>): 'applied' | 'known' | 'gap' {
    const document = this.#document
    const { gate, clock, clientIds } = this.#options
    const { update } = change
    if (document.isOver || isKnown(document.doc, update)) return 'known'
    const fit = gate.checkShape(update)
    if (fit === 'gap') return 'gap'
    gate.requireRoom(update.byteLength)
    const missing = fit === 'fits' ? update : Y.diffUpdate(update, document.stateVector())
    // Its author may come here before the journal tells whose the ids are.
    clientIds.claimWriters(document.doc, change)
    const { isWhole, shown } = this.#show({ ...change, update: missing })
    const since = clock.monotonic()
    // Where something of it hung in the air, what is kept is what went in, and nothing else.
    for (const part of isWhole ? [missing] : shown) {
      this.#foreign.add({ ...change, update: part, since })
    }
    return isWhole ? 'applied' : 'gap'
  }

  #show({ author, update }: Pick<ToldChange, 'author' | 'update'>) {
    const document = this.#document
    const origin: WriteOrigin = { author, source: this, kind: 'state', path: 'theirs' }
    const shown: Uint8Array[] = []
    const stop = document.listen({ onUpdate: part => void shown.push(part) })
    const applied = applyWhole(document.doc, update, origin)
    stop()
    if (applied.kind === 'broken') this.#options.onBroken(applied.error)
    return { isWhole: applied.kind === 'whole', shown }
  }

  /** A node says how much of what it told is durable; `ranges` only if all of it is in here. */
  noteStored(node: string, { count, ranges }: Pick<StoredNote, 'count' | 'ranges'>): void {
    this.#options.journaled.covers(ranges)
    this.#foreign.durableUpTo(node, count)
  }

  /** These were read from the journal. */
  found(entries: readonly Entry[]): void {
    this.#foreign.found(entries)
  }

  // --- what this node tells ------------------------------------------------------------------

  /** Changes made through this node, counted. */
  get ownCount(): number {
    return this.#options.journaled.ownCount
  }

  takeNote(): StoredNote {
    return this.#options.journaled.takeNote()
  }

  /** What is in the document, and perhaps in no journal; oldest first. `node` is this one's id. */
  undurable(node: string): readonly HeldChange[] {
    const count = this.ownCount
    const own = this.#options.journaled.unsaved.map(({ author, at, update, handsOver }) => ({
      author,
      at,
      update,
      handsOver: handsOver ?? false,
      node,
      count,
    }))
    return [...this.#foreign.all, ...own]
  }

  // --- what the journal has ------------------------------------------------------------------

  /** Reads what others have stored by now. Rejects when the journal cannot tell. */
  async refresh(): Promise<void> {
    const [position] = await this.#options.journal.positions([this.#document.name])
    await this.follow(position)
  }

  /**
   * For a reader who may have been told by another node that something is stored: it is in here
   * afterwards, unless the journal is away.
   */
  async catchUp(): Promise<void> {
    if (this.#options.journal.writers === 'exclusive') return
    // Away: what is here is what there is, and nobody can be told more.
    await this.refresh().catch(() => {})
  }

  /** This is where the document stands in the journal; undefined: it is not there any more. */
  async follow(position: Position | undefined): Promise<void> {
    const document = this.#document
    if (document.isOver) return
    if (position === undefined || position.incarnation !== document.incarnation) {
      const sentence = `${quoteName(document.name)} was deleted`
      return document.end(new WeftError('DOCUMENT_DELETED', sentence))
    }
    await this.#options.journaled.catchUp(position.seq)
    if (!document.isOver) this.#options.onSchema(position.schema)
  }

  /** Another node holds something else, and both hold all that is stored: one of them is broken. */
  differs(node: string): void {
    this.#options.metrics.nodeDivergence.inc()
    this.#options.onBroken(new Error(`the document differs from the one on node ${node}`))
  }

  // --- what this node stores for others ------------------------------------------------------

  /** Does an update tell of something that is here already, and perhaps nowhere durable? */
  isRepeatedBy(update: Uint8Array, kind: UpdateKind): boolean {
    if (this.#foreign.size === 0) return false
    // A state tells of everything its client has.
    return kind === 'state' || repeatsKnown(this.#document.doc, update)
  }

  /** A change of ours is to be stored: what it leans on goes first. */
  adoptFor(update: Uint8Array): void {
    if (this.#foreign.isNeededBy(update)) this.adopt()
  }

  /** Others should have stored these by now: they may be gone. */
  adoptOlderThan(ageMs: number): void {
    const since = this.#foreign.oldestSince
    if (since !== undefined && this.#options.clock.monotonic() - since >= ageMs) this.adopt()
  }

  /** All of them, in the order in which they came, so that each finds what it leans on. */
  adopt(): void {
    if (this.#foreign.size === 0) return
    const adopted = this.#foreign.take()
    for (const change of adopted) this.#options.journaled.adopt(change)
    this.#options.metrics.adopted.inc(adopted.length)
  }

  /** The document ends. */
  drop(): void {
    this.#foreign.take()
  }
}
