/** Looks up what a grant has to be held against before it is made, changed or taken back. */
import type { Clock } from '../../../shared/clock.ts'
import { ruledAs } from '../../../shared/decide-system.ts'
import { decide } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import type { RuleSource } from '../policy.ts'
import type { GrantStore } from './grant-store.ts'
import { subjectOf, whoIs, type StoredGrant } from './grant.ts'
import type { By } from './grant-events.ts'
import type { Granting } from './may-grant.ts'

export type GrantingParts = {
  readonly store: Pick<GrantStore, 'roles'>
  readonly rules: RuleSource
  readonly clock: Clock
}

export async function grantingOf(
  { store, rules, clock }: GrantingParts,
  { principal, address }: By,
  { subject, resource }: StoredGrant,
): Promise<Granting> {
  const whom = whoIs(subject)
  const [own, below, theirs] = await Promise.all([
    rules.rulesFor(principal, resource),
    rules.rulesBelow(principal, resource),
    rules.rulesFor(whom, resource),
  ])
  return {
    by: principal,
    rules: own,
    below,
    subjectRules: theirs.filter(rule => subjectOf(rule, whom.id) === subject),
    roles: store.roles,
    at: clock.now(),
    address,
  }
}

/** Throws FORBIDDEN. */
export async function requireShare(
  { rules: source, clock }: Pick<GrantingParts, 'rules' | 'clock'>,
  { principal, address }: By,
  name: string,
): Promise<void> {
  const resource = ruledAs(name)
  const rules = await source.rulesFor(principal, resource)
  const at = clock.now()
  const sharing = decide({ principal, rules, resource, capability: 'share', at, address })
  if (sharing.allowed) return
  throw new WeftError('FORBIDDEN', `share of ${resource}: ${sharing.because}`)
}
