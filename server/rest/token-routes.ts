/** Tokens for applications without a service of their own. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { WeftError } from '../../shared/errors.ts'
import type { ApiKey } from '../access/tokens/api-key.ts'
import { looksLikeKey } from '../access/tokens/secrets.ts'
import {
  requireMaker,
  serviceTokenOrder,
  tokenSubject,
  type IssuedToken,
  type Revoker,
} from '../access/tokens/token-service.ts'
import { bearerOf, principalOf } from './authenticate.ts'
import { jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const issuedSchema = z
  .object({
    token: z.string(),
    expiresAt: z.iso.datetime(),
    refreshToken: z.string().optional().openapi({ description: 'Good once; 30 days in all.' }),
    refreshExpiresAt: z.iso.datetime().optional(),
  })
  .openapi('IssuedToken')

const issued = {
  description: 'The token; a refresh token when it was asked for.',
  content: { 'application/json': { schema: issuedSchema } },
}

const issueRoute = createRoute({
  method: 'post',
  path: '/v1/tokens',
  summary: 'Make a token for a user, for up to 15 minutes (API key, scope tokens:create)',
  security: [{ bearer: [] }],
  request: jsonBody(serviceTokenOrder),
  responses: {
    200: issued,
    400: problemResponse('The order is wrong.'),
    401: problemResponse('No API key, or one that is wrong, over or revoked.'),
    403: problemResponse('The key may not make tokens, or not such ones.'),
    429: problemResponse('Too many wrong keys.'),
  },
})

const refreshRoute = createRoute({
  method: 'post',
  path: '/v1/tokens/refresh',
  summary: 'A new token and a new refresh token for one that was not used yet',
  request: jsonBody(z.strictObject({ refreshToken: z.string().min(1).max(200) })),
  responses: {
    200: issued,
    400: problemResponse('The request is wrong.'),
    401: problemResponse('It is wrong, over, or was used before: then all of its kin are revoked.'),
    429: problemResponse('Too many wrong ones.'),
  },
})

const revokeRoute = createRoute({
  method: 'post',
  path: '/v1/tokens/revoke',
  summary:
    'Take back one token, or all of a user issued up to now (admin; API key, scope tokens:create, for its own)',
  security: [{ bearer: [] }],
  request: jsonBody(
    z.union([z.strictObject({ jti: tokenSubject }), z.strictObject({ sub: tokenSubject })]),
  ),
  responses: {
    204: { description: 'They are taken no more.' },
    400: problemResponse('It says neither jti nor sub.'),
    401: problemResponse('No valid token or key.'),
    403: problemResponse('Not an admin, nor a key that makes tokens.'),
  },
})

const jwkSchema = z.object({
  kty: z.string().openapi({ example: 'OKP' }),
  crv: z.string(),
  x: z.string(),
  kid: z.string(),
  alg: z.string(),
  use: z.string(),
})

const keySetRoute = createRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  summary: 'The public keys of tokens that this server signs; none where a secret signs them',
  responses: {
    200: {
      description: 'A JSON Web Key Set.',
      content: {
        'application/json': {
          schema: z.object({ keys: z.array(jwkSchema) }),
        },
      },
    },
  },
})

/** Shorter than a new key is known before it signs. */
const KEY_SET_SECONDS = 60

export function tokenRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { service, signer } = options.tokens
  const router = createRouter()
  router.openapi(issueRoute, async context => {
    const key = await keyOf(context, options)
    const order = context.req.valid('json')
    return answer(context, await service.issue(key, order))
  })
  router.openapi(refreshRoute, async context =>
    answer(
      context,
      await service.refresh(context.req.valid('json').refreshToken, context.get('client').address),
    ),
  )
  router.openapi(revokeRoute, async context => {
    await service.revoke(context.req.valid('json'), await revokerOf(context, options))
    return context.body(null, 204)
  })
  router.openapi(keySetRoute, context => {
    context.header('cache-control', `public, max-age=${KEY_SET_SECONDS}`)
    return context.json({ keys: [...signer.keySet().keys] }, 200)
  })
  return router
}

/** Answers with secrets in them are kept by nobody on the way. */
function answer(context: Context<RestEnv>, { token, expiresAt, refresh }: IssuedToken) {
  context.header('cache-control', 'no-store')
  const more =
    refresh === null
      ? {}
      : {
          refreshToken: refresh.token,
          refreshExpiresAt: new Date(refresh.expiresAt).toISOString(),
        }
  return context.json({ token, expiresAt: new Date(expiresAt).toISOString(), ...more }, 200)
}

async function keyOf(context: Context<RestEnv>, options: RestOptions): Promise<ApiKey> {
  const { gatekeeper, tokens } = options
  await principalOf(context, gatekeeper)
  const bearer = bearerOf(context)
  if (looksLikeKey(bearer)) return tokens.checker.check(bearer, context.get('client').address)
  throw new WeftError('FORBIDDEN', 'tokens are made with an API key, not with a token')
}

/** Admins take back whatever there is; a key that makes tokens those that it made. */
async function revokerOf(context: Context<RestEnv>, options: RestOptions): Promise<Revoker> {
  const principal = await principalOf(context, options.gatekeeper)
  const actor = { id: principal.id, kind: principal.kind }
  if (!looksLikeKey(bearerOf(context))) {
    await options.gatekeeper.requireRole(principal, ['admin'], context.get('client'))
    return { actor, client: null }
  }
  const key = await keyOf(context, options)
  if (key.authority.scopes.includes('admin')) return { actor, client: null }
  requireMaker(key)
  return { actor, client: key.line }
}
