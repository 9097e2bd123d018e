/** The few shapes of requests and answers in which routes are described. */
import type { z } from '@hono/zod-openapi'

/** For the `responses` of a route: an answer in JSON. */
export const jsonAnswer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

/** For the `request` of a route: a body in JSON, which has to be there. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})
