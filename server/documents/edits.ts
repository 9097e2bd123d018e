/** Edits by programs: made on a copy, stored, and only then seen by anybody. */
import * as Y from 'yjs'
import type { Cancel, Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import type { Journal, RequestMark } from '../journal/journal.ts'
import type { DurableWrite } from './document-write.ts'
import type { LiveDocument } from './live-document.ts'

export type Edit<T> = {
  /** Who is named as the author: a principal's id. */
  readonly author: string
  /** Changes the copy; what it throws is passed on, and nothing has happened. Must not wait. */
  readonly change: (doc: Y.Doc) => T
  /** The etag that the edit was decided on; another one by now means PRECONDITION_FAILED. */
  readonly ifMatch?: string | undefined
  /** Sent again, the same request gets the same answer, and changes nothing. */
  readonly request?: RequestMark | undefined
  readonly schema?: DurableWrite['schema']
  /**
   * Where in the document the author may write; undefined: everywhere. Asked when it is the edit's
   * turn; what it throws is passed on.
   */
  readonly rule?: (() => WriteRule | undefined) | undefined
}

export type EditReceipt<T> = {
  /** Everything of the edit is durable at this seq. */
  readonly seq: number
  readonly etag: string
  /** What `change` returned; undefined when an earlier request did it. */
  readonly result: T | undefined
  readonly outcome: 'changed' | 'unchanged' | 'repeated'
}

/** More programs than that wait for one document at a time: later ones are told to come back. */
const WAITING_MAX = 100
/** Authors whose client ids are kept; a new one costs a few bytes in every state vector. */
const OWN_IDS_MAX = 100
/** How long the copy is kept for the next edit: making it costs as much as loading. */
const COPY_KEPT_MS = 10_000
/** Changes that the copy may lag behind before it takes them without being asked. */
const BEHIND_MAX = 1_000

/**
 * One edit of a document at a time. Two at once could depend on each other, and when the store
 * refuses the first the second would hang in the air.
 */
export class DocumentEdits {
  readonly #document: LiveDocument
  readonly #journal: Journal
  readonly #clock: Clock
  #copy: Copy | undefined
  /** Kept while it works: an id for each edit would make every state vector grow. */
  #clientId: number | undefined
  /** By author: of those who may change only what is theirs, which the id tells. */
  readonly #ownIds = new Map<string, number>()
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #cancelDrop: Cancel = () => {}

  constructor(document: LiveDocument, journal: Journal, clock: Clock) {
    this.#document = document
    this.#journal = journal
    this.#clock = clock
    document.listen({ onEnd: () => this.#drop() })
  }

  /**
   * Resolves when the edit is durable and everybody sees it. Rejects with what `change` throws,
   * PRECONDITION_FAILED, REQUEST_REPEATED (the key belongs to another request), SLOW_DOWN, or what
   * {@link LiveDocument.writeDurably} throws; then nobody has seen anything of it.
   */
  run<T>(edit: Edit<T>): Promise<EditReceipt<T>> {
    if (this.#waiting >= WAITING_MAX) {
      const sentence = `${this.#waiting} edits wait for this document already`
      return Promise.reject(new WeftError('SLOW_DOWN', sentence, { retryAfterMs: 1_000 }))
    }
    this.#waiting += 1
    const turn = this.#last.then(() => this.#run(edit))
    this.#last = turn
      .catch(() => {})
      .finally(() => {
        this.#waiting -= 1
      })
    return turn
  }

  async #run<T>(edit: Edit<T>): Promise<EditReceipt<T>> {
    const earlier = await this.#carriedOut<T>(edit.request)
    if (earlier !== undefined) return earlier
    const document = this.#document
    const afterSeq = await this.#requireMatch(edit.ifMatch)
    const { author, request, schema } = edit
    const rule = edit.rule?.()
    const { update, result } = this.#change(edit, rule)
    if (update === undefined) return this.#unchanged(result)
    try {
      const seq = await document.writeDurably({
        update,
        author,
        rule,
        ...(request === undefined ? {} : { request }),
        ...(schema === undefined ? {} : { schema }),
        ...(afterSeq === undefined ? {} : { afterSeq }),
      })
      return { seq, etag: this.#etagAt(seq), result, outcome: 'changed' }
    } catch (error) {
      // The copy holds what did not happen; and should the store have it all the same, its id must
      // never be used again.
      this.#drop()
      this.#clientId = undefined
      this.#ownIds.delete(author)
      const { code } = toWeftError(error)
      const done = code === 'REQUEST_REPEATED' ? await this.#carriedOut<T>(request) : undefined
      if (done !== undefined) return done
      if (code === 'SEQ_CONFLICT') await this.#refuseMoved()
      throw error
    }
  }

  /**
   * Throws PRECONDITION_FAILED when the document is not what the edit was decided on. With other
   * writers that may change until the edit is stored: then it is stored behind this seq or not at
   * all.
   */
  async #requireMatch(ifMatch: string | undefined): Promise<number | undefined> {
    if (ifMatch === undefined) return undefined
    const document = this.#document
    const isShared = this.#journal.writers === 'shared'
    if (isShared) await document.nodes.refresh()
    if (!matches(ifMatch, document.etag)) throw movedError(document)
    return isShared && ifMatch.trim() !== '*' ? document.seq : undefined
  }

  /** The answer holds the content as it is, so that has to be here. */
  async #refuseMoved(): Promise<never> {
    await this.#document.nodes.refresh()
    throw movedError(this.#document)
  }

  /** Throws REQUEST_REPEATED when the key was used for something else. */
  async #carriedOut<T>(request: RequestMark | undefined): Promise<EditReceipt<T> | undefined> {
    if (request === undefined) return undefined
    const found = await this.#journal.request(this.#document.name, request.key)
    if (found === undefined) return undefined
    if (found.digest !== request.digest) {
      throw new WeftError('REQUEST_REPEATED', 'this key was used for another request')
    }
    const { seq } = found
    return { seq, etag: this.#etagAt(seq), result: undefined, outcome: 'repeated' }
  }

  #change<T>({ change, author }: Edit<T>, rule: WriteRule | undefined): Changed<T> {
    this.#cancelDrop()
    this.#copy ??= this.#makeCopy()
    try {
      return this.#copy.change(change, rule?.own === true ? this.#ownIdOf(author) : undefined)
    } catch (error) {
      // Yjs does not take back what was changed before the throw.
      this.#drop()
      throw error
    } finally {
      this.#cancelDrop()
      this.#cancelDrop = this.#clock.after(COPY_KEPT_MS, () => this.#drop())
    }
  }

  #ownIdOf(author: string): number {
    const id = this.#ownIds.get(author) ?? new Y.Doc().clientID
    this.#ownIds.delete(author)
    this.#ownIds.set(author, id)
    if (this.#ownIds.size > OWN_IDS_MAX) {
      const [oldest = author] = this.#ownIds.keys()
      this.#ownIds.delete(oldest)
    }
    return id
  }

  #makeCopy(): Copy {
    const copy = new Copy(this.#document, this.#clientId)
    this.#clientId = copy.clientId
    return copy
  }

  async #unchanged<T>(result: T): Promise<EditReceipt<T>> {
    const document = this.#document
    await document.settle()
    return { seq: document.seq, etag: document.etag, result, outcome: 'unchanged' }
  }

  #etagAt(seq: number): string {
    return `"${this.#document.incarnation}.${seq}"`
  }

  #drop(): void {
    this.#cancelDrop()
    this.#copy?.close()
    this.#copy = undefined
  }
}

type Changed<T> = { readonly update?: Uint8Array; readonly result: T }

/** The document once more, in step with the live one. */
class Copy {
  readonly #doc = new Y.Doc()
  readonly #stopListening: () => void
  #behind: Uint8Array[] = []

  constructor(document: LiveDocument, clientId: number | undefined) {
    for (const update of document.state()) Y.applyUpdate(this.#doc, update)
    // After the content: Yjs takes a new id when it sees its own in what comes from outside.
    if (clientId !== undefined) this.#doc.clientID = clientId
    this.#stopListening = document.listen({
      onUpdate: update => {
        this.#behind.push(update)
        if (this.#behind.length > BEHIND_MAX) this.#catchUp()
      },
    })
  }

  get clientId(): number {
    return this.#doc.clientID
  }

  /**
   * Under this client id, or else under its own. Rethrows what `change` throws; the copy is of no
   * use after that.
   */
  change<T>(change: (doc: Y.Doc) => T, clientId?: number): Changed<T> {
    this.#catchUp()
    const usual = this.#doc.clientID
    if (clientId !== undefined) this.#doc.clientID = clientId
    const updates: Uint8Array[] = []
    const onUpdate = (update: Uint8Array) => void updates.push(update)
    this.#doc.on('update', onUpdate)
    try {
      const result = this.#doc.transact(() => change(this.#doc))
      refuseWaiting(result)
      if (updates.length === 0) return { result }
      return { update: Y.mergeUpdates(updates), result }
    } finally {
      this.#doc.off('update', onUpdate)
      if (clientId !== undefined) this.#doc.clientID = usual
    }
  }

  #catchUp(): void {
    const behind = this.#behind
    this.#behind = []
    for (const update of behind) Y.applyUpdate(this.#doc, update)
  }

  close(): void {
    this.#stopListening()
    this.#doc.destroy()
  }
}

/** What comes after the first wait would change a copy that nobody looks at any more. */
function refuseWaiting(result: unknown): void {
  if (!(result instanceof Promise)) return
  // Its own failure, should there be one, is nobody's any more.
  result.catch(() => {})
  throw new TypeError('an edit must not wait for anything')
}

function movedError({ etag }: LiveDocument): WeftError {
  return new WeftError('PRECONDITION_FAILED', `the document is at ${etag} by now`)
}

/** A list of etags, as HTTP writes them; `*` is any. */
function matches(wanted: string, etag: string): boolean {
  return wanted.split(',').some(one => {
    const given = one.trim().replace(/^W\//, '')
    return given === '*' || given === etag
  })
}
