/** May somebody create a space, and become its owner by that? Never more than they could have had. */
import { ruledAs } from '../../../shared/decide-system.ts'
import { decide, type Rule } from '../../../shared/decide.ts'
import { WeftError } from '../../../shared/errors.ts'
import { quoteName, type SpaceName } from '../../../shared/names.ts'
import { capabilities, isWithinLimits, type Capability } from '../../../shared/permissions.ts'
import { spaceDocument } from '../../../shared/system-names.ts'
import type { By } from '../../access/grants/grants.ts'

export type Founding = {
  readonly by: By
  readonly name: SpaceName
  /** Those of the store for whoever asks, about the space. */
  readonly rules: readonly Rule[]
  readonly at: number
}

/**
 * Of a space that nothing is known of yet: whoever may create documents there, for good and everywhere
 * in it, has it as their own. Throws TOKEN_EXPIRED or FORBIDDEN: owning is nearer than what they
 * have, so it would outlive an end, shake off a condition, and win over a denial further away.
 */
export function requireMayFound(founding: Founding): void {
  const { by, name, rules } = founding
  const isDenial = ({ effect }: Rule) => effect === 'deny'
  const lasting = rules.filter(
    rule => isDenial(rule) || (rule.expiresAt === Infinity && rule.condition === null),
  )
  const may = (capability: Capability) => decideThere(capability, { ...founding, rules: lasting })
  const creating = may('create')
  if (!creating.allowed) throw mayNot(name, creating.because)
  if (creating.paths !== null) throw mayNot(name, 'they may write parts of documents alone')
  // What is given is given to all of the subject, not to this token alone.
  const isWithin = capabilities.every(one => isWithinLimits(by.principal, placeOf(name), one))
  if (!isWithin) throw mayNot(name, 'owning it is beyond the limits of the token')
  const ownsAlready = capabilities.every(one => may(one).allowed)
  if (rules.some(isDenial) && !ownsAlready) throw mayNot(name, 'something is denied to them there')
}

/** Of one that there is: throws FORBIDDEN for those who may not share it. */
export function requireMayShare(founding: Founding): void {
  const sharing = decideThere('share', founding)
  if (!sharing.allowed) {
    throw new WeftError('FORBIDDEN', `share of ${quoteName(founding.name)}: ${sharing.because}`)
  }
}

/** As of the whole of the space. */
export function decideThere(capability: Capability, { by, name, rules, at }: Founding) {
  const { principal, address } = by
  return decide({ principal, rules, resource: placeOf(name), capability, at, address })
}

/** What rules have to cover to speak of the whole of the space. */
export function placeOf(name: SpaceName): string {
  return ruledAs(spaceDocument(name))
}

function mayNot(name: SpaceName, because: string): WeftError {
  return new WeftError('FORBIDDEN', `creating the space ${quoteName(name)}: ${because}`)
}
