/** Errors as `application/problem+json` (RFC 9457), with weft's code, hint and the request's id. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { errorCodes, toWeftError, type ErrorCode } from '../../shared/errors.ts'
import type { RestEnv } from './rest-env.ts'

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:weft:error:FORBIDDEN' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]),
    retryable: z.boolean(),
    retryAfterMs: z.number().optional(),
    hint: z.string(),
    requestId: z.string(),
    current: z
      .object({ etag: z.string(), content: z.record(z.string(), z.unknown()) })
      .optional()
      .openapi({ description: 'With 412: the document as it is now.' }),
  })
  .openapi('Problem')

/** For the `responses` of a route. */
export const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
})

export function answerProblem(
  context: Context<RestEnv>,
  thrown: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Response {
  const error = toWeftError(thrown)
  const requestId = context.get('requestId')
  if (error.code === 'INTERNAL') {
    context.get('log').error({ err: thrown, requestId }, 'a request failed')
  }
  const { code, message, retryable, retryAfterMs, hint } = error.toWire()
  const body = {
    type: `urn:weft:error:${code}`,
    title: code,
    status: error.status,
    detail: message,
    code,
    retryable,
    hint,
    requestId,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...more,
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
  if (error.status === 401) headers['www-authenticate'] = 'Bearer'
  return context.newResponse(JSON.stringify(body), error.status as 400, headers)
}
