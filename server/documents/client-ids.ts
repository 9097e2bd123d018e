/**
 * Whose Yjs client ids are whose, in a document that is open. Everybody on a document can read the
 * others' ids; without an owner anybody could write the next change in another's name, and that
 * one's own changes, made offline, would be taken for known and vanish. Who wrote under which id is
 * in the journal (`id-owners.ts`), so it outlives the document's time in memory and the server.
 */
import type * as Y from 'yjs'
import type { Clock } from '../../shared/clock.ts'
import { claimId, claimWriters } from '../journal/id-owners.ts'
import type { IdOwners, NewEntry } from '../journal/journal.ts'

type Writer = {
  readonly principalId: string
  /** A state, in answer to a question, not a change as it was made. */
  readonly handsOver: boolean
}

/**
 * `later`: it is another's, who will bring it; taken from somebody else it could be a forgery, and
 * what the author made meanwhile would be taken for known and vanish. `recovered`: it is another's,
 * and taken all the same, because perhaps nobody else has it.
 */
export type MayWrite = 'yes' | 'no' | 'later' | 'recovered'

type Session = { readonly principalId: string }

export class ClientIds {
  /** Who wrote under an id. */
  readonly #owners: Map<number, string>
  /** Who shows himself under an id, and has perhaps not written yet: until the session ends. */
  readonly #shown = new Map<number, Session>()
  /** The same on other nodes. */
  readonly #shownElsewhere = new Map<number, string>()

  readonly #recovery: Recovery

  constructor(owners?: IdOwners, recovery: Recovery = noRecovery) {
    this.#owners = new Map(owners)
    this.#recovery = recovery
  }

  /**
   * May this principal write under the id? Whoever hands over a state may hold what others wrote and
   * nobody stored. Where a server has just crashed, its author may be gone with it, so it is taken;
   * else the author is asked to bring it.
   */
  mayWrite(clientId: number, { principalId, handsOver }: Writer): MayWrite {
    const owner = this.#owners.get(clientId)
    if (owner === principalId) return 'yes'
    if (owner !== undefined) {
      if (!handsOver) return 'no'
      return this.#recovery.isUnderWay ? 'recovered' : 'later'
    }
    const shown = this.#shown.get(clientId)?.principalId ?? this.#shownElsewhere.get(clientId)
    return handsOver || shown === undefined || shown === principalId ? 'yes' : 'no'
  }

  /** Undefined: nobody is known to have written under it. */
  ownerOf(clientId: number): string | undefined {
    return this.#owners.get(clientId)
  }

  /** First come, first served; an id that has an owner keeps it. */
  claim(clientIds: readonly number[], principalId: string): void {
    for (const clientId of clientIds) claimId(this.#owners, clientId, principalId)
  }

  /** The same for what an entry writes, before it is applied. */
  claimWriters(doc: Y.Doc, entry: Pick<NewEntry, 'author' | 'handsOver' | 'update'>): void {
    claimWriters(this.#owners, doc, entry)
  }

  show(clientId: number, session: Session): void {
    if (!this.#shown.has(clientId)) this.#shown.set(clientId, session)
  }

  /** Somebody shows himself on another node, or (undefined) does so no more. */
  showElsewhere(clientId: number, principalId: string | undefined): void {
    if (principalId === undefined) this.#shownElsewhere.delete(clientId)
    else this.#shownElsewhere.set(clientId, principalId)
  }

  forgetElsewhere(): void {
    this.#shownElsewhere.clear()
  }

  hide(session: object): void {
    for (const [id, shown] of this.#shown) if (shown === session) this.#shown.delete(id)
  }
}

/** Has a server crashed a moment ago, so that changes may be in nobody's hands but a reader's? */
export type Recovery = { readonly isUnderWay: boolean }

const noRecovery: Recovery = { isUnderWay: false }

/**
 * The store was set back to a backup: what it lost is in the hands of whoever comes, and there is
 * no telling when its authors will.
 */
export const lastingRecovery: Recovery = { isUnderWay: true }

/** Clients that were there come back within half a minute. */
const RECOVERY_MS = 120_000

export class CrashRecovery implements Recovery {
  readonly #clock: Clock
  #until = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A server, this one before its start or another, has ended without a word. */
  begin(): void {
    this.#until = this.#clock.monotonic() + RECOVERY_MS
  }

  get isUnderWay(): boolean {
    return this.#clock.monotonic() < this.#until
  }
}
