/** Looks up what a grant has to be held against before it is made, changed or taken back. */
import type { Clock } from '../../../shared/clock.ts'
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
