/** Finds the servers that an address stands for, and connects to them. */
import type { Redis } from 'ioredis'
import { unreachable } from '../../../shared/assert.ts'
import { ClusterSession, mastersBySlot } from './cluster-session.ts'
import { connect } from './connection.ts'
import { openLink } from './link.ts'
import type { Host, RedisAddress } from './redis-address.ts'
import type { Session, SessionEvents } from './session.ts'

export type SessionOptions = SessionEvents & {
  readonly address: RedisAddress
  /** Ends every connection of the session. */
  readonly signal: AbortSignal
}

/** Rejects with the reason when there is nobody to talk to; a next attempt may ask others. */
export function openSession(options: SessionOptions): Promise<Session> {
  const { address } = options
  switch (address.kind) {
    case 'single':
      return toFirst(address.hosts, to =>
        openLink({ ...options, to, login: address, pubSub: 'plain', role: 'any' }),
      )
    case 'sentinel':
      return openBySentinel(options, address.master)
    case 'cluster':
      return openCluster(options)
    default:
      return unreachable(address)
  }
}

async function openBySentinel(options: SessionOptions, master: string): Promise<Session> {
  const { address } = options
  // Sentinels have no users, but they may have the password.
  const { username: _, ...login } = address
  const to = await toFirst(address.hosts, host =>
    ask({ ...options, login }, host, async sentinel => {
      const answer = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master)
      const [name, port] = Array.isArray(answer) ? (answer as string[]) : []
      if (name === undefined) throw new Error(`the sentinel knows no master "${master}"`)
      return { host: name, port: Number(port) }
    }),
  )
  return openLink({ ...options, to, login: address, pubSub: 'plain', role: 'master' })
}

async function openCluster(options: SessionOptions): Promise<Session> {
  const { address: login } = options
  const bySlot = await toFirst(login.hosts, host =>
    ask({ ...options, login }, host, async node =>
      mastersBySlot(await node.call('CLUSTER', 'SLOTS'), host),
    ),
  )
  const masters = [...new Set(bySlot)]
  const links = await Promise.all(
    masters.map(to => openLink({ ...options, to, login, pubSub: 'sharded', role: 'any' })),
  )
  const byMaster = new Map(masters.map((master, n) => [master, links[n]]))
  return new ClusterSession(bySlot.flatMap(master => byMaster.get(master) ?? []))
}

type Asking = Pick<SessionOptions, 'signal'> & {
  readonly login: Pick<RedisAddress, 'username' | 'password' | 'security'>
}

/** A connection for one question. */
async function ask<T>(
  { login, signal }: Asking,
  to: Host,
  question: (redis: Redis) => Promise<T>,
): Promise<T> {
  const asking = new AbortController()
  const either = AbortSignal.any([signal, asking.signal])
  try {
    return await question(await connect({ to, login, signal: either, onBroken: () => {} }))
  } finally {
    asking.abort()
  }
}

/** The first host with an answer; when none has one, what was wrong with the last. */
async function toFirst<T>(hosts: readonly Host[], attempt: (host: Host) => Promise<T>): Promise<T> {
  let failure: unknown = new Error('the address names no host')
  for (const host of hosts) {
    try {
      return await attempt(host)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}
