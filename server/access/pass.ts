/** What one principal may do on one document, as of now: held for as long as a client is there. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import { decide, type Decision, type Rule } from '../../shared/decide.ts'
import { WeftError } from '../../shared/errors.ts'
import { quoteName, type DocumentName } from '../../shared/names.ts'
import type { Capability, Principal } from '../../shared/permissions.ts'
import { systemName } from '../../shared/system-names.ts'
import { byPrincipal } from '../audit/audit-row.ts'
import type { Note } from './note.ts'
import { writeRuleOf, type WriteRule } from '../../shared/write-rules.ts'
import { concerns, type ChangeSet, type RuleSource } from './policy.ts'

/** Where a client comes from: the address as far as conditions may ask, the device as it says itself. */
export type Situation = { readonly address: string | null; readonly device?: Device | undefined }

/** Of one user: an id of the application's choice, and what people call it. */
export type Device = { readonly id: string; readonly name: string | null }

/** From where somebody came: told to themselves alone, and to admins. */
export type SessionOrigin = {
  readonly device: Device
  readonly tenant: string | null
  /** Ms since 1970. */
  readonly since: number
}

export type PassOptions = {
  readonly principal: Principal
  readonly name: DocumentName
  readonly situation: Situation
  readonly rules: RuleSource
  readonly clock: Clock
  /** Has this token been called back? */
  readonly isRevoked: (principal: Principal) => boolean
  readonly onClose: (pass: Pass) => void
  /** Where refusals are written down. */
  readonly note: Note
  /** A listener has failed; the others are told all the same. */
  readonly onError: (error: unknown) => void
}

/** When what the document belongs to is over, ms since 1970, and what is said of it then. */
export type Ending = { readonly at: number; readonly error: WeftError }

export type Access = 'read' | 'comment' | 'write'

/** What a client may do with the content; `rule` limits where, undefined: everywhere. */
export type Writing =
  | { readonly access: 'read' }
  | { readonly access: 'comment' | 'write'; readonly rule: WriteRule | undefined }

/** The wall clock and the steady one, when the token was shown. */
type Times = { readonly now: number; readonly monotonic: number }

type KnownWriting = {
  readonly access: Access
  readonly paths: readonly string[] | null
  readonly writing: Writing
}

/** Timers of browsers and Node end here; a later instant is waited for in steps. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class Pass {
  readonly name: DocumentName
  readonly #options: PassOptions
  readonly #listeners = new Set<() => void>()
  readonly #closings: (() => void)[] = []
  #ending: Ending | undefined
  /** Answers that still hold. */
  readonly #answers = new Map<Capability, Decision>()
  #writing: KnownWriting | undefined
  #principal: Principal
  #rules: readonly Rule[] = []
  #since: Times
  readonly #openedAt: number
  #cancelTimer: Cancel = () => {}
  #isClosed = false
  /** Counts what may have changed the rules, so that a slow answer does not overwrite a later one. */
  #asked = 0
  /** The last of them. */
  #reading: Promise<void> = Promise.resolve()

  constructor(options: PassOptions) {
    const { clock, principal, name } = options
    this.#options = options
    this.#principal = principal
    this.name = name
    this.#since = timesOf(clock)
    this.#openedAt = clock.now()
  }

  /** The client as of now: its token may have been renewed. */
  get principal(): Principal {
    return this.#principal
  }

  /** For the list of a user's devices; undefined for a client that did not say on which it is. */
  get origin(): SessionOrigin | undefined {
    const { device } = this.#options.situation
    return device && { device, tenant: this.#principal.tenant, since: this.#openedAt }
  }

  /**
   * Among the devices of one user; null for a client that did not say. Undefined elsewhere: to others
   * it is nobody's business.
   */
  get shownDevice(): Device | null | undefined {
    const isShown = systemName(this.name)?.kind === 'user'
    return isShown ? (this.#options.situation.device ?? null) : undefined
  }

  /**
   * The time by which tokens and grants end. It goes on evenly from the moment the token was shown: nobody
   * is sent off, or stays for ever, because somebody set the server's clock.
   */
  get #at(): number {
    return this.#since.now + this.#options.clock.monotonic() - this.#since.monotonic
  }

  /** May they, now? Cheap: asked for each frame. */
  decide(capability: Capability): Decision {
    const at = this.#at
    const known = this.#answers.get(capability)
    if (known !== undefined && at < known.until) return known
    const { situation, isRevoked } = this.#options
    const ending = this.#ending
    if (ending !== undefined && at >= ending.at) return over(ending.error)
    const decision = isRevoked(this.#principal)
      ? revoked
      : decide({
          principal: this.#principal,
          rules: this.#rules,
          resource: this.name,
          capability,
          at,
          address: situation.address,
        })
    const until = Math.min(decision.until, ending?.at ?? Infinity)
    const answer =
      until === decision.until || decision === revoked ? decision : { ...decision, until }
    this.#answers.set(capability, answer)
    return answer
  }

  /** May they write, now, and where in the document? Cheap as well. */
  writing(): Writing {
    const write = this.decide('write')
    if (write.allowed) return this.#writingBy('write', write.paths)
    const comment = this.decide('comment')
    if (comment.allowed) return this.#writingBy('comment', comment.paths)
    return forbidden
  }

  /** The same object while the answer is the same: what is made of the rule is kept with it. */
  #writingBy(as: 'write' | 'comment', paths: readonly string[] | null): Writing {
    const known = this.#writing
    if (known?.access === as && known.paths === paths) return known.writing
    const writing: Writing = { access: as, rule: writeRuleOf(as, paths) }
    this.#writing = { access: as, paths, writing }
    return writing
  }

  /** They must: throws TOKEN_EXPIRED, TOKEN_REVOKED or FORBIDDEN when they may not. */
  require(capability: Capability): void {
    const refusal = this.refusal(capability)
    if (refusal !== undefined) throw refusal
  }

  /** Why they may not; undefined when they may. */
  refusal(capability: Capability): WeftError | undefined {
    const decision = this.decide(capability)
    if (decision.allowed) return undefined
    if (this.#ending !== undefined && this.#at >= this.#ending.at) return this.#ending.error
    if (decision === revoked) return new WeftError('TOKEN_REVOKED', decision.because)
    if (this.isExpired) return new WeftError('TOKEN_EXPIRED', 'the token has expired')
    const sentence = `${capability} of ${quoteName(this.name)}: ${decision.because}`
    return new WeftError('FORBIDDEN', sentence)
  }

  /** Writes down whether they are let in: once for a session. */
  noteOpening(): void {
    const { note, situation } = this.#options
    const { allowed, because } = this.decide('read')
    note({
      ...byPrincipal(this.#principal),
      action: 'document.open',
      document: this.name,
      capability: 'read',
      decision: allowed ? 'allow' : 'deny',
      because,
      address: situation.address,
    })
  }

  /** Writes down that something was tried in vain. */
  noteRefusal(capability: Capability, { code, message }: WeftError): void {
    const { note, situation } = this.#options
    note({
      ...byPrincipal(this.#principal),
      action: `document.${capability}`,
      document: this.name,
      capability,
      decision: 'deny',
      because: `${code}: ${message}`,
      address: situation.address,
    })
  }

  /** Nothing is written any more with this token; a fresh one would mend it. */
  get isExpired(): boolean {
    return this.#at >= this.#principal.writesUntil
  }

  /** Ms until nothing is written any more with this token. */
  get writesForMs(): number {
    return this.#principal.writesUntil - this.#at
  }

  /** Called whenever an answer may have become another one. */
  listen(listener: () => void): Cancel {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Reads the rules. Rejects when the store cannot be read, and then nothing has changed. */
  refresh(): Promise<void> {
    this.#reading = this.#read(++this.#asked)
    return this.#reading
  }

  async #read(asked: number): Promise<void> {
    const rules = await this.#options.rules.rulesFor(this.#principal, this.name)
    if (this.#isClosed) return
    // Without the later rules, whoever is just coming would be sent off by none at all.
    if (asked !== this.#asked) return this.#reading
    this.#rules = rules
    this.#changed()
  }

  /** The client has shown a fresh token, of the same principal. */
  async renew(principal: Principal): Promise<void> {
    const before = { principal: this.#principal, since: this.#since }
    this.#principal = principal
    // Its end is a time of the clock as it is now, whatever that was when the client came.
    this.#since = timesOf(this.#options.clock)
    try {
      await this.refresh()
    } catch (error) {
      // Another fresh token may have come in the meantime.
      if (this.#principal === principal) {
        this.#principal = before.principal
        this.#since = before.since
      }
      throw error
    }
  }

  isConcernedBy(changes: ChangeSet): boolean {
    return concerns(changes, this.#principal, this.name)
  }

  /** Something outside of the rules has changed, such as which tokens count. */
  recheck(): void {
    this.#changed()
  }

  /** From then on it allows nothing, whatever the rules say; undefined: there is no such instant. */
  endAt(ending: Ending | undefined): void {
    if (this.#ending?.at === ending?.at) return
    this.#ending = ending
    if (ending !== undefined && this.#at >= ending.at) return this.#changed()
    this.#answers.clear()
    this.#arm()
  }

  /** Called once, when it is closed; at once when it is. */
  whenClosed(action: () => void): void {
    if (this.#isClosed) action()
    else this.#closings.push(action)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelTimer()
    this.#listeners.clear()
    this.#options.onClose(this)
    for (const action of this.#closings) action()
  }

  #changed(): void {
    if (this.#isClosed) return
    this.#answers.clear()
    this.#arm()
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener()
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }

  /** At the first instant at which reading, commenting or writing may be answered anew. */
  #arm(): void {
    this.#cancelTimer()
    const answers = watched.map(capability => this.decide(capability).until)
    const waitMs = Math.min(...answers) - this.#at
    if (waitMs === Infinity) return
    const delayMs = Math.min(Math.max(waitMs, 1), TIMER_MS_MAX)
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#changed())
  }
}

function timesOf(clock: Clock): Times {
  return { now: clock.now(), monotonic: clock.monotonic() }
}

const forbidden: Writing = { access: 'read' }

const over = ({ message }: WeftError): Decision => ({
  allowed: false,
  because: message,
  until: Infinity,
})

const watched = ['read', 'comment', 'write'] as const

const revoked: Decision = {
  allowed: false,
  because: 'the token has been revoked',
  until: Infinity,
}
