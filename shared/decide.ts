/** The one place that decides who may do what, where and until when: pure, without I/O. */
import { asRuled } from './decide-system.ts'
import {
  isRoleWithinLimits,
  isWithinLimits,
  matches,
  nearness,
  roleCapabilities,
  type Capability,
  type Principal,
  type ServerRole,
} from './permissions.ts'

/** Whom a rule is about. Rules of one subject override each other; those of several add up. */
export type Subject =
  | { readonly kind: 'self' }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'everyone' }

/** What a condition may look at. */
export type Facts = {
  /** The instant of the question, ms since 1970. */
  readonly at: number
  /** Where the client's connection comes from; null when it is not known. */
  readonly address: string | null
  readonly claims: Readonly<Record<string, unknown>>
}

export type Condition = {
  readonly text: string
  /** Must not throw; what cannot be told does not hold. */
  readonly holds: (facts: Facts) => boolean
  /** Does the answer change by itself as time goes by? */
  readonly dependsOnTime: boolean
}

/** One row of the policy, as far as it concerns the principal who asks. */
export type Rule = {
  /** Of the grant in the store; null for what the token itself says. */
  readonly id: string | null
  readonly subject: Subject
  /** See {@link matches}. */
  readonly resource: string
  readonly effect: 'allow' | 'deny'
  /** The role that it gives, for people to read and for the server's own roles. */
  readonly role: string | null
  readonly capabilities: readonly Capability[]
  /** Writing is limited to these shared types; null: all of the document. */
  readonly paths: readonly string[] | null
  /** In force until then, ms since 1970; Infinity: without an end. */
  readonly expiresAt: number
  readonly condition: Condition | null
}

export type Decision =
  | {
      readonly allowed: true
      readonly because: string
      /** The instant from which this answer may no longer hold, ms since 1970. */
      readonly until: number
      /** Writing is limited to these shared types; null: all of the document. */
      readonly paths: readonly string[] | null
    }
  | { readonly allowed: false; readonly because: string; readonly until: number }

export type Question = {
  readonly principal: Principal
  /** Those of the store that are about this principal; rules for other resources do no harm. */
  readonly rules: readonly Rule[]
  readonly resource: string
  readonly capability: Capability
  /** The instant of the question, ms since 1970. */
  readonly at: number
  readonly address: string | null
}

/** A condition on the time is asked again after so long. */
const TIME_CONDITION_MS = 1_000

/**
 * May this principal do that?
 *
 * 1. Nothing beyond the limits of the principal; within them, admins of the server may do everything.
 * 2. Of each subject (the principal itself, each of its groups, everyone) the nearest level with a
 *    rule that allows anything counts, and replaces what that subject has further away.
 * 3. What the subjects are allowed adds up, except where a rule that denies it is at least as near.
 * 4. Without `read` nothing else is allowed. Nothing is allowed by default.
 * 5. For the system's documents their names say of what the rules have to speak; see decide-system.ts.
 */
export function decide(asked: Question): Decision {
  const question = asRuled(asked)
  return question === null ? nobody(asked) : decideByRules(question)
}

const nobody = ({ resource, capability }: Question): Decision => ({
  allowed: false,
  because: `nobody has ${capability} of ${resource}`,
  until: Infinity,
})

function decideByRules(question: Question): Decision {
  const { principal, resource, capability, at } = question
  if (at >= principal.expiresAt) return expired
  if (at >= principal.writesUntil && capability !== 'read') return expired
  if (!isWithinLimits(principal, resource, capability)) return beyondLimits(capability)
  const until = Math.min(
    capability === 'read' ? principal.expiresAt : principal.writesUntil,
    ...question.rules.map(rule => changesAt(rule, question)),
  )
  const inForce = allRules(question).filter(rule => isInForce(rule, question))
  const admin = inForce.find(isAdmin)
  if (admin !== undefined) return { allowed: true, because: sentence(admin), until, paths: null }
  if (capability !== 'read') {
    const reading = decideOne(inForce, { ...question, capability: 'read' }, until)
    if (!reading.allowed) return reading
  }
  return decideOne(inForce, question, until)
}

const expired: Decision = { allowed: false, because: 'the token has expired', until: Infinity }

const beyondLimits = (what: string): Decision => ({
  allowed: false,
  because: `${what} is beyond the limits of the token`,
  until: Infinity,
})

function decideOne(inForce: readonly Rule[], question: Question, until: number): Decision {
  const { principal, capability } = question
  const denial = nearest(inForce.filter(one => one.effect === 'deny' && speaksOf(one, capability)))
  const denied = denial === undefined ? -1 : nearness(denial.resource)
  const allowing = bySubject(inForce.filter(({ effect }) => effect === 'allow'))
    .flatMap(nearestAll)
    .filter(rule => speaksOf(rule, capability) && nearness(rule.resource) > denied)
  const [first] = allowing
  if (first === undefined) {
    const because =
      denial === undefined
        ? `no grant of ${principal.id} allows ${capability}${unmet(question)}`
        : `${sentence(denial)} denies ${capability}`
    return { allowed: false, because, until }
  }
  const free = allowing.find(({ paths }) => paths === null)
  const paths = free === undefined ? allowing.flatMap(rule => rule.paths ?? []) : null
  return { allowed: true, because: sentence(free ?? first), until, paths }
}

/** That there would be one, were it not for its condition: whoever asks why wants to know. */
function unmet(question: Question): string {
  const { resource, capability, at } = question
  const waiting = question.rules.find(
    rule =>
      rule.effect === 'allow' &&
      rule.condition !== null &&
      at < rule.expiresAt &&
      matches(rule.resource, resource) &&
      speaksOf(rule, capability) &&
      !isInForce(rule, question),
  )
  return waiting === undefined ? '' : `; the condition of ${sentence(waiting)} does not hold`
}

export type ServerQuestion = {
  readonly principal: Principal
  readonly rules: readonly Rule[]
  /** Any one of them is enough. */
  readonly roles: readonly ServerRole[]
  readonly at: number
  readonly address: string | null
}

/** May this principal act on the server in one of these roles? Owning all documents is no such role. */
export function decideServer(asked: ServerQuestion): Decision {
  const { principal, at } = asked
  if (at >= principal.writesUntil) return expired
  const roles = asked.roles.filter(role => isRoleWithinLimits(principal, role))
  if (roles.length === 0) return beyondLimits(asked.roles.join(' or '))
  const question = { ...asked, resource: '**', capability: 'read' } as const
  const until = Math.min(
    principal.writesUntil,
    ...question.rules.map(rule => changesAt(rule, question)),
  )
  const rule = allRules(question).find(
    one =>
      one.effect === 'allow' &&
      one.resource === '**' &&
      roles.some(role => role === one.role) &&
      isInForce(one, question),
  )
  return rule === undefined
    ? {
        allowed: false,
        because: `${principal.id} is no ${roles.join(' or ')} of this server`,
        until,
      }
    : { allowed: true, because: `${rule.role} of the server`, until, paths: null }
}

/** What the token says are rules of the principal itself. */
export function tokenRules({ grants }: Principal): readonly Rule[] {
  return grants.map(({ resource, role }) => ({
    id: null,
    subject: { kind: 'self' },
    resource,
    effect: 'allow',
    role,
    capabilities: roleCapabilities[role],
    paths: null,
    expiresAt: Infinity,
    condition: null,
  }))
}

function allRules({ principal, rules }: Pick<Question, 'principal' | 'rules'>): readonly Rule[] {
  return [...tokenRules(principal), ...rules]
}

type Situation = Pick<Question, 'principal' | 'resource' | 'at' | 'address'>

function isInForce(rule: Rule, { principal, resource, at, address }: Situation): boolean {
  if (at >= rule.expiresAt || !matches(rule.resource, resource)) return false
  return rule.condition === null || rule.condition.holds({ at, address, claims: principal.claims })
}

/** The next instant at which the rule may begin or cease to be in force by itself. */
function changesAt(rule: Rule, { resource, at }: Situation): number {
  if (at >= rule.expiresAt || !matches(rule.resource, resource)) return Infinity
  const asksAgain = rule.condition?.dependsOnTime === true ? at + TIME_CONDITION_MS : Infinity
  return Math.min(rule.expiresAt, asksAgain)
}

function isAdmin({ effect, role, resource }: Rule): boolean {
  return effect === 'allow' && role === 'admin' && resource === '**'
}

function speaksOf({ capabilities }: Rule, capability: Capability): boolean {
  return capabilities.includes(capability)
}

function bySubject(rules: readonly Rule[]): readonly (readonly Rule[])[] {
  const key = ({ subject }: Rule) =>
    subject.kind === 'group' ? `group ${subject.name}` : subject.kind
  return [...Map.groupBy(rules, key).values()]
}

function nearestAll(rules: readonly Rule[]): readonly Rule[] {
  const level = Math.max(...rules.map(({ resource }) => nearness(resource)))
  return rules.filter(({ resource }) => nearness(resource) === level)
}

function nearest(rules: readonly Rule[]): Rule | undefined {
  return rules.length === 0 ? undefined : nearestAll(rules)[0]
}

function sentence({ id, role, capabilities, resource }: Rule): string {
  const what = `${role ?? capabilities.join(', ')} of ${resource}`
  return id === null ? `${what} (token)` : `${what} (grant ${id})`
}
