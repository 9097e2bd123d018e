/** Who a request is of: the peer, or the rightmost that no proxy of ours is. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { Addresses } from './addresses.ts'
import { isNetwork } from './networks.ts'

const rules = { trustedProxies: ['10.0.0.0/8', '::1', '2001:db8:aa::/48'], allowed: [], denied: [] }

function clientOf(peer: string, forwarded?: string, scheme?: string) {
  const headers = { 'x-forwarded-for': forwarded, 'x-forwarded-proto': scheme }
  const request = { socket: { remoteAddress: peer }, headers } as unknown as IncomingMessage
  return new Addresses(rules).clientOf(request)
}

describe('[T23] the client’s address', () => {
  test.each([
    ['192.0.2.1', undefined, '192.0.2.1'],
    ['::ffff:192.0.2.1', undefined, '192.0.2.1'],
    ['192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '203.0.113.9, 198.51.100.7, 10.2.3.4', '198.51.100.7'],
    ['10.0.0.1', '10.9.9.9, 10.2.3.4', '10.9.9.9'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9, <script>, 10.2.3.4', '10.2.3.4'],
    ['10.0.0.1', '198.51.100.7:4711', '198.51.100.7'],
    ['10.0.0.1', '[2001:DB8:0::1]:443', '2001:db8::1'],
    ['10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['2001:db8:aa:1::5', '2001:db8:bb::1', '2001:db8:bb::1'],
    ['fe80::1%eth0', undefined, 'fe80::1'],
    ['', '198.51.100.7', ''],
  ])('peer %s that says %s is %s', (peer, forwarded, address) => {
    expect(clientOf(peer, forwarded).address).toBe(address)
  })

  test('a header of thousands is not walked', () => {
    const forwarded = Array.from({ length: 5_000 }, () => '10.1.1.1').join(',')
    expect(clientOf('10.0.0.1', `6.6.6.6,${forwarded}`).address).toBe('10.1.1.1')
  })

  test('limits of IPv6 count the first 64 bits', () => {
    const network = (peer: string) => clientOf(peer).network
    expect(network('2001:db8:0:7::1')).toBe(network('2001:db8:0:7:ffff:ffff:ffff:ffff'))
    expect(network('2001:db8:0:7::1')).not.toBe(network('2001:db8:0:8::1'))
    expect(network('::1')).toBe('0:0:0:0::/64')
    expect(network('192.0.2.1')).toBe('192.0.2.1')
  })

  test('https is what a trusted proxy says, and nobody else', () => {
    expect(clientOf('10.0.0.1', '198.51.100.7', 'https').isSecure).toBe(true)
    expect(clientOf('10.0.0.1', '198.51.100.7', 'http').isSecure).toBe(false)
    expect(clientOf('192.0.2.1', undefined, 'https').isSecure).toBe(false)
  })

  test('loopback is only the peer itself', () => {
    expect(clientOf('127.0.0.1').isLoopback).toBe(true)
    expect(clientOf('::1', '198.51.100.7').isLoopback).toBe(false)
  })

  test('networks', () => {
    const good = ['10.0.0.0/8', '192.0.2.1', '::1', '2001:db8::/32', '0.0.0.0/0']
    expect(good.filter(text => !isNetwork(text))).toEqual([])
    const bad = ['10.0.0.0/33', '10.0.0/8', 'localhost', '::1/129', '10.0.0.0/', '', '*']
    expect(bad.filter(isNetwork)).toEqual([])
  })

  test('denied goes before allowed, and what is mapped is not a way around it', () => {
    const gate = new Addresses({
      trustedProxies: [],
      allowed: ['192.0.2.0/24', '2001:db8::/32'],
      denied: ['192.0.2.66'],
    })
    const isLetIn = (peer: string) => {
      const request = { socket: { remoteAddress: peer }, headers: {} } as unknown as IncomingMessage
      try {
        gate.check(gate.clientOf(request))
        return true
      } catch {
        return false
      }
    }
    const peers = ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::9']
    expect(peers.filter(isLetIn)).toEqual(peers)
    expect(
      ['192.0.2.66', '::ffff:192.0.2.66', '203.0.113.1', '2001:db9::1', ''].filter(isLetIn),
    ).toEqual([])
  })
})
