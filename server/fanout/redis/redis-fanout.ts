/** The fan-out between processes: Redis carries, and keeps nothing. */
import type { Fanout } from '../fanout.ts'
import { NodeFanout, type NodeFanoutOptions } from '../node-fanout.ts'
import { parseRedisUrl } from './redis-address.ts'
import { RedisCarrier, type RedisCarrierOptions } from './redis-carrier.ts'
import { StartError } from '../../base/start-error.ts'

export type RedisFanoutOptions = NodeFanoutOptions &
  Pick<RedisCarrierOptions, 'prefix' | 'guard'> & { readonly url: string }

export function createRedisFanout({ url, ...options }: RedisFanoutOptions): Fanout {
  const address = parseRedisUrl(url)
  if (address === undefined) throw new StartError('this is no address of a Redis')
  return new NodeFanout(new RedisCarrier({ ...options, address }), options)
}
