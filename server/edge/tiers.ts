/** What each kind of user may do in a second, where nobody has said otherwise. */
import { z } from 'zod'
import type { RateTiers } from './user-limits.ts'

const rate = z.strictObject({
  rate: z.number().positive(),
  /** At once, after a pause. */
  burst: z.number().int().min(1),
})
const tier = (perSecond: number, burst: number) => rate.default({ rate: perSecond, burst })

const schema = z.strictObject({
  user: tier(100, 2_000),
  agent: tier(50, 500),
  service: tier(500, 5_000),
})

/** The kinds that are left out keep their default. */
export const tierSchema = schema.transform(({ user, agent, service }): RateTiers => ({
  user: toRate(user),
  agent: toRate(agent),
  service: toRate(service),
}))

function toRate({ rate: perSecond, burst }: z.output<typeof rate>) {
  return { perSecond, burst }
}
