/** What a token says, and the principal that it makes. */
import { z } from 'zod'
import { grantSchema, principalKinds, type Principal } from '../../shared/permissions.ts'
import { isStorable } from '../../shared/storable-text.ts'
import { KEY_SUBJECT } from './tokens/api-key.ts'

/** Of ids: two that a store takes for one would be one person. */
const idText = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .refine(isStorable, { error: 'NUL and halves of characters are no part of an id' })

const GRANTS_MAX = 100
const GROUPS_MAX = 100
/** Clocks of two machines differ: a token counts for this long after its end, and before its start. */
export const TOLERANCE_SECONDS = 30

/** How somebody is shown to others, beside the name. */
export const personColor = z.string().regex(/^#[0-9a-f]{6}$/i, 'must be #rrggbb')
export const personAvatar = z.url({ protocol: /^https$/, error: 'must be https://...' }).max(500)

/** The claims that weft reads; others are ignored. */
export const tokenClaims = z.object({
  sub: idText(200)
    // Whoever signs tokens would otherwise have what is granted to the keys of this server.
    .refine(sub => !sub.startsWith(KEY_SUBJECT), {
      error: `subjects that begin with ${KEY_SUBJECT} are API keys`,
    }),
  /** Seconds since 1970, as in every JWT. */
  exp: z.number(),
  name: z.string().min(1).max(64).optional(),
  kind: z.enum(principalKinds).default('user'),
  tenant: idText(64).nullish(),
  groups: z.array(idText(200)).max(GROUPS_MAX).default([]),
  // Nobody is kept out for a picture that does not count.
  color: personColor.optional().catch(undefined),
  avatar: personAvatar.optional().catch(undefined),
  jti: z.string().min(1).max(200).optional(),
  iss: z.string().optional(),
  grants: z.array(grantSchema).max(GRANTS_MAX).default([]),
  limits: z.array(grantSchema).max(GRANTS_MAX).optional(),
})
export type TokenClaims = z.output<typeof tokenClaims>

type Shown = {
  readonly claims: Readonly<Record<string, unknown>>
  /** When the token was shown, ms since 1970. */
  readonly at: number
}

/**
 * `claims` is all that the token says, read or not: conditions may look at it. Who shows a token after
 * its end, within the tolerance, has another clock, and may do until that is over what it says; who
 * came in time is asked for the next one, and at the end of this one writes no more.
 */
export function toPrincipal(shown: TokenClaims, { claims, at }: Shown): Principal {
  const { sub, exp, name, color, avatar, kind, tenant, groups, grants, limits, jti, iss } = shown
  const end = exp * 1000
  const expiresAt = end + TOLERANCE_SECONDS * 1000
  return {
    id: sub,
    name: name ?? sub,
    color: color ?? null,
    avatar: avatar ?? null,
    kind,
    tenant: tenant ?? null,
    groups,
    grants,
    limits: limits ?? null,
    tokenId: jti ?? null,
    issuer: iss ?? null,
    claims,
    writesUntil: at < end ? end : expiresAt,
    expiresAt,
  }
}
