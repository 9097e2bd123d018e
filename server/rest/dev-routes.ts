/** Tokens for development, on loopback alone. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { WeftError } from '../../shared/errors.ts'
import { grantSchema, principalKinds } from '../../shared/permissions.ts'
import { personAvatar, personColor } from '../access/token-claims.ts'
import type { TokenMint } from '../access/token-mint.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv } from './rest-env.ts'

const TTL_SECONDS_MAX = 86_400

const tokenRoute = createRoute({
  method: 'post',
  path: '/v1/dev/tokens',
  summary: 'Make a token for anybody (development mode only)',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .object({
              sub: z.string().min(1).max(200),
              name: z.string().min(1).max(64).optional(),
              color: personColor.optional(),
              avatar: personAvatar.optional(),
              kind: z.enum(principalKinds).optional(),
              grants: z.array(grantSchema).max(100).optional().openapi({
                description: 'Owner of everything, unless said otherwise.',
              }),
              groups: z.array(z.string().min(1).max(200)).max(100).optional(),
              ttl: z.number().int().min(1).max(TTL_SECONDS_MAX).optional().openapi({
                description: 'Seconds; an hour, unless said otherwise.',
              }),
            })
            .openapi('TokenOrder'),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'The token.',
      content: { 'application/json': { schema: z.object({ token: z.string() }) } },
    },
    400: problemResponse('The order is wrong.'),
    403: problemResponse('Not from here.'),
  },
})

export function devRoutes(mint: TokenMint): OpenAPIHono<RestEnv> {
  const router = createRouter()
  router.openapi(tokenRoute, async context => {
    requireLoopback(context.req.header('host'), context.req.header('origin'))
    return context.json({ token: await mint(context.req.valid('json')) }, 200)
  })
  return router
}

/**
 * The server listens on loopback, but a page of another site can have its name resolve to
 * 127.0.0.1 (DNS rebinding), and then the browser's Host header still says who it is.
 */
function requireLoopback(host: string | undefined, origin: string | undefined): void {
  const hosts = [`http://${host ?? ''}`, ...(origin === undefined ? [] : [origin])]
  for (const one of hosts) {
    const hostname = URL.parse(one)?.hostname ?? ''
    if (hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)) {
      continue
    }
    throw new WeftError('ORIGIN_FORBIDDEN', 'development tokens are made for this machine only')
  }
}
