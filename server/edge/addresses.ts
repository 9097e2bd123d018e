/** Where a request comes from: the peer, or what proxies that are trusted say of it. */
import type { IncomingMessage } from 'node:http'
import { isIP, type BlockList } from 'node:net'
import { WeftError } from '../../shared/errors.ts'
import { contains, networks } from './networks.ts'

export type ClientAddress = {
  /** As numbers in their shortest form; IPv4 also where it came as `::ffff:192.0.2.1`. */
  readonly address: string
  /** What limits count: the address, or the first 64 bits of an IPv6 one, which is one household. */
  readonly network: string
  readonly isLoopback: boolean
  /** Did the request come by https? */
  readonly isSecure: boolean
}

export type AddressRules = {
  /** Addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-...` headers are believed. */
  readonly trustedProxies: readonly string[]
  /** When there are any, all others are refused. */
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
}

/** Proxies behind proxies; nobody has more, and a header of thousands is not walked. */
const HOPS_MAX = 16

export class Addresses {
  readonly #trusted: BlockList
  readonly #allowed: BlockList | undefined
  readonly #denied: BlockList

  constructor({ trustedProxies, allowed, denied }: AddressRules) {
    this.#trusted = networks(trustedProxies)
    this.#allowed = allowed.length === 0 ? undefined : networks(allowed)
    this.#denied = networks(denied)
  }

  /** Headers of whoever is not a trusted proxy are not looked at. */
  clientOf(request: IncomingMessage): ClientAddress {
    const { socket, headers } = request
    const peer = normalAddress(socket.remoteAddress ?? '') ?? ''
    const isEncrypted = 'encrypted' in socket && socket.encrypted === true
    if (!contains(this.#trusted, peer)) return describe(peer, isEncrypted)
    const [scheme = ''] = oneLine(headers['x-forwarded-proto']).split(',', 1)
    const isSecure = isEncrypted || scheme.trim().toLowerCase() === 'https'
    return describe(this.#farthest(peer, oneLine(headers['x-forwarded-for'])), isSecure)
  }

  /** Throws ADDRESS_FORBIDDEN. */
  check({ address }: ClientAddress): void {
    const isAllowed = this.#allowed === undefined || contains(this.#allowed, address)
    if (isAllowed && !contains(this.#denied, address)) return
    throw new WeftError('ADDRESS_FORBIDDEN', `nobody at ${address} may connect`)
  }

  /**
   * Each proxy adds, on the right, who asked it: the first from there that is no proxy of ours is
   * the client, and what stands further left is only what the client says.
   */
  #farthest(peer: string, forwarded: string): string {
    let last = peer
    for (const hop of forwarded.split(',').slice(-HOPS_MAX).toReversed()) {
      const address = normalAddress(withoutPort(hop.trim()))
      if (address === undefined) return last
      last = address
      if (!contains(this.#trusted, address)) return last
    }
    return last
  }
}

/** One text for each address; undefined when it is none. */
function normalAddress(text: string): string | undefined {
  const [plain = ''] = text.split('%', 1)
  if (isIP(plain) === 4) return plain
  if (isIP(plain) !== 6) return undefined
  const short = URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1)
  if (short === undefined) return undefined
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (mapped === null) return short
  return [mapped[1], mapped[2]]
    .flatMap((part = '') => twoBytes(Number.parseInt(part, 16)))
    .join('.')
}

const twoBytes = (value: number) => [value >> 8, value & 255]

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write it. */
function withoutPort(hop: string): string {
  const match = /^(?:\[([^\]]+)\]|(\d+(?:\.\d+){3}))(?::\d+)?$/.exec(hop)
  return match?.[1] ?? match?.[2] ?? hop
}

function oneLine(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header ?? []).join(',')
}

function describe(address: string, isSecure: boolean): ClientAddress {
  const isLoopback = address === '::1' || address.startsWith('127.')
  return { address, network: networkOf(address), isLoopback, isSecure }
}

function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [left = '', right = ''] = address.split('::', 2)
  const head = left === '' ? [] : left.split(':')
  const tail = right === '' ? [] : right.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`
}
