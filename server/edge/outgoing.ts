/**
 * Requests that the server makes to addresses that others have chosen. A name is resolved once, what
 * it means is looked at, and that is what is connected to.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { isIP } from 'node:net'
import type { Clock } from '../../shared/clock.ts'
import { exchange, type OutgoingAnswer, type OutgoingOrder } from './outgoing/exchange.ts'
import { abortOf, OutgoingError } from './outgoing/outgoing-error.ts'
import { publicReach, type Reach } from './outgoing/reach.ts'
import { resolveName, type ResolveName } from './outgoing/resolve-name.ts'

export type Outgoing = {
  /** Rejects with {@link OutgoingError}, after five seconds at the latest. Asks once, follows nobody. */
  request(address: string, order?: OutgoingOrder): Promise<OutgoingAnswer>
}

export type OutgoingOptions = {
  readonly clock: Clock
  /** {@link publicReach} unless said otherwise. */
  readonly reach?: Reach
  readonly resolve?: ResolveName
  /** Authorities beside those that Node knows, in PEM. */
  readonly ca?: string
}

/** For all of it: name, connection, head, body. */
const REQUEST_MS = 5_000
const URL_LENGTH_MAX = 2_048
/** Of a name that has more, all are looked at, and so many tried. */
const ADDRESSES_MAX = 8

const defaultPorts = { http: 80, https: 443 } as const

export function createOutgoing(options: OutgoingOptions): Outgoing {
  return {
    async request(address, order = {}) {
      const url = readUrl(address)
      checkHeaders(order.headers ?? {})
      const deadline = new AbortController()
      const cancel = options.clock.after(REQUEST_MS, () =>
        deadline.abort(new OutgoingError('timed-out', `no whole answer in ${REQUEST_MS} ms`)),
      )
      const signals = [deadline.signal, ...(order.signal === undefined ? [] : [order.signal])]
      const signal = AbortSignal.any(signals)
      try {
        const addresses = await whereTo(url, options, signal)
        return await exchange(url, { ...order, addresses, signal, ca: options.ca })
      } finally {
        cancel()
      }
    },
  }
}

/** Host names are read as browsers do: `0x7f.1` and `2130706433` are 127.0.0.1 here already. */
function readUrl(address: string): URL {
  const refuse = (why: string) => new OutgoingError('refused', `the address ${why}`)
  if (address.length > URL_LENGTH_MAX) throw refuse(`has more than ${URL_LENGTH_MAX} characters`)
  const url = URL.parse(address)
  if (url === null) throw refuse('is no URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('is not one of https')
  if (url.username !== '' || url.password !== '') throw refuse('carries a user or a password')
  return url
}

/** All that a name means must be fine: one that means us too is no name of somebody else. */
async function whereTo(
  url: URL,
  { reach = publicReach, resolve = resolveName }: OutgoingOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) === 0 ? await lookUp(host, resolve, signal) : [host]
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port)
  for (const address of addresses) {
    const why = reach({ scheme, port, address })
    if (why !== undefined) throw new OutgoingError('refused', `${host} ${why}`)
  }
  return addresses.slice(0, ADDRESSES_MAX)
}

async function lookUp(
  name: string,
  resolve: ResolveName,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (signal.aborted) throw abortOf(signal)
  const { promise: never, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(abortOf(signal)), { once: true })
  let found: readonly string[]
  try {
    found = await Promise.race([resolve(name, signal), never])
  } catch (error) {
    if (signal.aborted) throw abortOf(signal)
    throw new OutgoingError('unknown-name', `${name} has no address`, { cause: error })
  }
  if (found.length === 0) throw new OutgoingError('unknown-name', `${name} has no address`)
  return found
}

/** Those that say how the request itself travels are ours. */
const ownHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch (error) {
      throw new OutgoingError('refused', 'a header that cannot be sent', { cause: error })
    }
    if (ownHeaders.has(name.toLowerCase())) {
      throw new OutgoingError('refused', `the header ${name.toLowerCase()} is not to be set`)
    }
  }
}
