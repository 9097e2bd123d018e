/** The way of every socket to a document: who are you, may you, here it is. */
import { sleep, type Clock } from '../../shared/clock.ts'
import { WeftError, toWeftError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/names.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import { ownerOf } from '../../shared/system-names.ts'
import type { Gatekeeper } from '../access/gatekeeper.ts'
import type { Pass, Situation } from '../access/pass.ts'
import type { Metrics } from '../base/metrics.ts'
import type { DocumentHold, Documents } from '../documents/documents.ts'
import type { Openings } from '../documents/openings.ts'
import type { Signals } from '../features/signals/signals.ts'
import type { Rooms } from './rooms.ts'
import type { SyncPeer } from './sync-peer.ts'
import { SyncSession } from './sync-session.ts'

/** What the server promises and demands; told to weft's own clients. */
export type Terms = {
  readonly limits: { readonly updateBytes: number; readonly frameBytes: number }
  readonly pingIntervalMs: number
}

export type DocumentDoorOptions = {
  readonly documents: Documents
  readonly openings: Openings
  readonly gatekeeper: Gatekeeper
  readonly rooms: Rooms
  readonly signals: Signals
  readonly terms: Terms
  readonly clock: Clock
  readonly metrics: Metrics
}

/** How somebody waits at the door. */
export type Wait = {
  /** Aborts when the client has left. */
  readonly signal: AbortSignal
  /** Told of each try that failed and will be repeated. */
  readonly onUnavailable: (error: WeftError) => void
}

export type AdmitRequest = Wait & {
  readonly principal: Principal
  readonly situation: Situation
}

export type OpenRequest = Wait & {
  readonly pass: Pass
}

export type EnterRequest = {
  readonly hold: DocumentHold
  readonly pass: Pass
  readonly peer: SyncPeer
  /** Versions of the application's schema that the client understands; undefined: it did not say. */
  readonly schema: SchemaRange | undefined
  /** Called once, whoever ends the session. */
  readonly onEnd: () => void
}

export type SchemaQuestion = {
  readonly pass: Pass
  readonly schema: SchemaRange | undefined
}

/** Clients that say nothing of a schema are taken to understand them all. */
export function isWithin(version: number, range: SchemaRange | undefined): boolean {
  return range === undefined || (version >= range.min && version <= range.max)
}

/** What passes, while the client stays where it is. */
const WAITED_OUT: ReadonlySet<string> = new Set([
  'DOCUMENT_UNAVAILABLE',
  'DEPENDENCY_UNAVAILABLE',
  'TOO_MANY_DOCUMENTS',
  'SLOW_DOWN',
])

export class DocumentDoor {
  readonly terms: Terms
  readonly #options: DocumentDoorOptions

  constructor(options: DocumentDoorOptions) {
    this.terms = options.terms
    this.#options = options
  }

  /** Who holds the token. Throws TOKEN_.... */
  identify(token: string, situation: Situation): Promise<Principal> {
    return this.#options.gatekeeper.identify(token, situation)
  }

  /**
   * Lets them in, if they may read the document, however often the store has to be asked for that.
   * The pass must be closed. Throws FORBIDDEN, TOKEN_EXPIRED, and SHUTTING_DOWN.
   */
  async admit(name: DocumentName, request: AdmitRequest): Promise<Pass> {
    const { gatekeeper } = this.#options
    const { principal, situation, signal } = request
    const pass = await this.#patiently(request, () => gatekeeper.admit(principal, name, situation))
    if (signal.aborted) {
      pass.close()
      throw gone()
    }
    pass.noteOpening()
    return pass
  }

  /** A fresh token on a live connection. Throws TOKEN_..., also when it is somebody else's. */
  async renew(pass: Pass, token: string, situation: Situation): Promise<void> {
    const principal = await this.identify(token, situation)
    if (!isSamePerson(principal, pass.principal)) {
      throw new WeftError('TOKEN_INVALID', 'the fresh token is for somebody else')
    }
    await pass.renew(principal)
  }

  /**
   * Opens the document, however often that has to be tried: a store that is away, or a user who
   * asks for very many, is no reason to send a client off; stock ones would not come back. Throws
   * what trying again would not mend, and SHUTTING_DOWN.
   */
  async open(name: DocumentName, request: OpenRequest): Promise<DocumentHold> {
    const { pass, signal } = request
    const { openings } = this.#options
    const hold = await this.#patiently(request, () => {
      const create = () => {
        // Who may not read any more does not learn whether there is a document, either.
        pass.require('read')
        return pass.decide('create').allowed
      }
      return openings.open(name, {
        by: pass.principal.id,
        user: ownerOf(pass.principal),
        create,
        signal,
      })
    })
    if (!signal.aborted) return hold
    hold.release()
    throw gone()
  }

  async #patiently<T>({ signal, onUnavailable }: Wait, action: () => Promise<T>): Promise<T> {
    const { clock, metrics } = this.#options
    for (;;) {
      try {
        return await action()
      } catch (error) {
        const refusal = toWeftError(error)
        if (!WAITED_OUT.has(refusal.code)) throw refusal
        metrics.refusals.inc({ code: refusal.code })
        onUnavailable(refusal)
        await sleep(clock, refusal.retryAfterMs ?? 1_000, signal)
      }
      if (signal.aborted) throw gone()
    }
  }

  /**
   * Brings the document up to the client, where the application has said how. A migration that
   * fails leaves the document as it is: those who understand that go on.
   */
  async bringUp({ document }: DocumentHold, { pass, schema }: SchemaQuestion): Promise<void> {
    if (schema === undefined || schema.max <= document.schema) return
    if (!pass.decide('write').allowed) return
    await this.#options.documents.migrate(document, schema.max)
  }

  /** Begins to sync. The hold is the session's from here on. */
  enter({ hold, pass, peer, schema, onEnd }: EnterRequest): SyncSession {
    const { rooms, signals, clock, metrics } = this.#options
    const { document } = hold
    return new SyncSession({
      document,
      room: rooms.of(document),
      signals,
      peer,
      pass,
      understands: version => isWithin(version, schema),
      clock,
      metrics,
      onEnd() {
        hold.release()
        pass.close()
        onEnd()
      },
    })
  }
}

/** Of two tenants, two with one name are two people; and a service is not its user. */
function isSamePerson(one: Principal, other: Principal): boolean {
  return one.id === other.id && one.tenant === other.tenant && one.kind === other.kind
}

function gone(): WeftError {
  return new WeftError('SHUTTING_DOWN', 'the client has left')
}
