/** One connection to one Redis server, without any life of its own: broken, it stays broken. */
import { Redis, type RedisOptions } from 'ioredis'
import type { Host, RedisAddress } from './redis-address.ts'

export type ConnectionOptions = {
  readonly to: Host
  readonly login: Pick<RedisAddress, 'username' | 'password' | 'security'>
  /** Ends the connection, and the attempt to have one. */
  readonly signal: AbortSignal
  readonly onBroken: (reason: string) => void
}

/** A TCP connection that is not there after this time is not expected any more. */
const CONNECT_TIMEOUT_MS = 3_000

/** Resolves once the server takes commands. Rejects with the reason why it does not. */
export async function connect({ to, login, signal, onBroken }: ConnectionOptions): Promise<Redis> {
  const redis = new Redis(settings(to, login))
  let reason = `${to.host}:${to.port} closed the connection`
  // Errors are told here first, and then the connection ends.
  redis.on('error', (error: Error) => {
    reason = `${to.host}:${to.port}: ${error.message}`
  })
  redis.on('end', () => onBroken(reason))
  const end = () => {
    redis.disconnect()
    // A server that stands still would never answer to a polite end.
    redis.stream?.destroy()
  }
  signal.addEventListener('abort', end, { once: true })
  try {
    signal.throwIfAborted()
    await redis.connect()
    return redis
  } catch {
    end()
    throw new Error(reason)
  }
}

/**
 * Nothing is sent again and nothing waits for better times: what was on its way when a connection
 * broke is lost, and a repair brings it. Reconnecting is the carrier's, who has to know of it.
 */
function settings(to: Host, login: ConnectionOptions['login']) {
  const { username, password, security } = login
  return {
    ...to,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(security === 'tls' ? { tls: {} } : {}),
    lazyConnect: true,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    connectionName: 'weft',
    disableClientInfo: true,
  } satisfies RedisOptions
}
