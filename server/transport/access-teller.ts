/** Keeps one client in step with what it may do: told at once, sent off at once, asked for a token in time. */
import type { Cancel, Clock } from '../../shared/clock.ts'
import type { WeftError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/permissions.ts'
import type { WriteRule } from '../../shared/write-rules.ts'
import type { Access, Pass, Writing } from '../access/pass.ts'
import type { SyncPeer } from './sync-peer.ts'
import type { WriteAnswer } from './write-refusal.ts'

export type AccessTellerOptions = {
  readonly pass: Pass
  readonly clock: Clock
  /** What the client may do just now. */
  readonly mayWrite: () => WriteAnswer
  readonly peer: Pick<SyncPeer, 'control' | 'askForToken'>
  /** A fresh token has come after the last one had run out: what was refused meanwhile is welcome. */
  readonly onRenewed: () => void
  /** A fresh token has come; it may say another name. */
  readonly onToken: () => void
  /** The client may not even read any more. */
  readonly end: (error: WeftError) => void
}

/** Of what is left of a token; there is time for a second and a third question. */
const ASK_AFTER = 0.8
/** Asking more often than that would not help. */
const ASK_EVERY_MS_MIN = 1_000
const TIMER_MS_MAX = 2 ** 31 - 1

export class AccessTeller {
  readonly #options: AccessTellerOptions
  readonly #stopListening: Cancel
  #cancelQuestion: Cancel = () => {}
  #askedOf: Principal
  /** What was told last, by the hello at first. */
  #told: Told

  constructor(options: AccessTellerOptions) {
    const { pass } = options
    this.#options = options
    this.#askedOf = pass.principal
    this.#told = toldOf(pass.writing(), pass.refusal('write'))
    this.#stopListening = pass.listen(() => this.#onChange())
    this.#arm()
  }

  /** Tells what has changed since it was told last; nothing when nothing has. */
  check(): void {
    const answer = this.#options.mayWrite()
    const refusal = answer.access === 'read' ? answer.refusal : undefined
    const before = this.#told
    this.#told = toldOf(answer, refusal)
    if (sameAccess(before, this.#told)) return
    const { peer, onRenewed } = this.#options
    const { access, rule } = this.#told
    const error = refusal?.toWire()
    peer.control({
      type: 'weft.access',
      access,
      ...(rule === undefined ? {} : { rule: toWire(rule) }),
      ...(error === undefined ? {} : { error }),
    })
    if (access !== 'read' && before.code === 'TOKEN_EXPIRED') onRenewed()
  }

  close(): void {
    this.#stopListening()
    this.#cancelQuestion()
  }

  #onChange(): void {
    const { pass, onToken, end } = this.#options
    const refusal = pass.refusal('read')
    if (refusal !== undefined) return end(refusal)
    this.check()
    if (pass.principal === this.#askedOf) return
    this.#askedOf = pass.principal
    this.#arm()
    onToken()
  }

  #arm(): void {
    const { pass, clock, peer } = this.#options
    this.#cancelQuestion()
    const delayMs = pass.writesForMs * ASK_AFTER
    if (delayMs < ASK_EVERY_MS_MIN || delayMs > TIMER_MS_MAX) return
    this.#cancelQuestion = clock.after(delayMs, () => {
      peer.askForToken()
      this.#arm()
    })
  }
}

type Told = {
  readonly access: Access
  readonly rule: WriteRule | undefined
  /** Why it may only read. */
  readonly code: string | undefined
}

function toldOf(writing: Writing, refusal: WeftError | undefined): Told {
  const rule = writing.access === 'read' ? undefined : writing.rule
  const code = writing.access === 'read' ? refusal?.code : undefined
  return { access: writing.access, rule, code }
}

function sameAccess(a: Told, b: Told): boolean {
  return a.access === b.access && a.code === b.code && sameRule(a.rule, b.rule)
}

function sameRule(a: WriteRule | undefined, b: WriteRule | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

/** For messages to clients. */
export function toWire({ paths, own }: WriteRule): { paths: string[]; own: boolean } {
  return { paths: [...paths], own }
}
