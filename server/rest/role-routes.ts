/** Roles as data: the built-in ones, and those of this installation. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi'
import { WeftError } from '../../shared/errors.ts'
import { capabilities, roleCapabilities } from '../../shared/permissions.ts'
import { roleName, type CustomRole } from '../access/grants/grant.ts'
import { principalOf } from './authenticate.ts'
import { by } from './by.ts'
import { jsonAnswer, jsonBody } from './json-shapes.ts'
import { problemResponse } from './problem.ts'
import { createRouter, type RestEnv, type RestOptions } from './rest-env.ts'

const security = [{ bearer: [] }]
const refusals = {
  400: problemResponse('The request is not of this shape.'),
  401: problemResponse('No valid token.'),
  403: problemResponse('Only for admins.'),
}
const capability = z.enum(capabilities)
const nameParam = z.object({ name: roleName })

const roleBody = z
  .object({
    name: z.string(),
    capabilities: z.array(capability),
    paths: z.array(z.string()).nullable(),
    builtIn: z.boolean(),
  })
  .openapi('Role')

const listRolesRoute = createRoute({
  method: 'get',
  path: '/v1/roles',
  summary: 'The roles of this installation',
  security,
  responses: {
    200: jsonAnswer('All of them.', z.object({ roles: z.array(roleBody) })),
    ...refusals,
  },
})

const putRoleRoute = createRoute({
  method: 'put',
  path: '/v1/roles/{name}',
  summary: 'Make or change a role; all grants of it follow (admin)',
  security,
  request: {
    params: nameParam,
    ...jsonBody(
      z
        .strictObject({
          capabilities: z.array(capability).min(1),
          paths: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
        })
        .openapi('RoleOrder'),
    ),
  },
  responses: { 200: jsonAnswer('It is in force.', roleBody), ...refusals },
})

const removeRoleRoute = createRoute({
  method: 'delete',
  path: '/v1/roles/{name}',
  summary: 'Remove a role: grants of it allow nothing any more (admin)',
  security,
  request: { params: nameParam },
  responses: {
    204: { description: 'It is gone.' },
    ...refusals,
    404: problemResponse('There is no such role.'),
  },
})

export function roleRoutes(options: RestOptions): OpenAPIHono<RestEnv> {
  const { grants, gatekeeper } = options
  const router = createRouter()
  router.openapi(listRolesRoute, async context => {
    await principalOf(context, gatekeeper)
    const builtIn = Object.entries(roleCapabilities).map(([name, some]) => ({
      name,
      capabilities: [...some],
      paths: null,
      builtIn: true,
    }))
    const custom = grants.roles.map(role => ({ ...mutable(role), builtIn: false }))
    return context.json({ roles: [...builtIn, ...custom] }, 200)
  })
  router.openapi(putRoleRoute, async context => {
    const asker = await by(context, options)
    await gatekeeper.requireRole(asker.principal, ['admin'], asker)
    const { capabilities: some, paths = null } = context.req.valid('json')
    const role = { name: context.req.valid('param').name, capabilities: some, paths }
    await grants.putRole(asker, role)
    return context.json({ ...mutable(role), builtIn: false }, 200)
  })
  router.openapi(removeRoleRoute, async context => {
    const asker = await by(context, options)
    await gatekeeper.requireRole(asker.principal, ['admin'], asker)
    const { name } = context.req.valid('param')
    if (await grants.removeRole(asker, name)) return context.body(null, 204)
    throw new WeftError('GRANT_NOT_FOUND', `there is no role "${name}" of this installation`)
  })
  return router
}

function mutable({ name, capabilities: some, paths }: CustomRole) {
  return { name, capabilities: [...some], paths: paths === null ? null : [...paths] }
}
