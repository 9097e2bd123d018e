/** [T25] Every kind of address that is not of the public internet, however it is wrapped. */
import { describe, expect, test } from 'vitest'
import { isPublicAddress } from './public-addresses.ts'
import { loopbackReach, publicReach } from './reach.ts'

const notPublic = [
  // This network, this machine.
  ['0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.254', '::', '::1'],
  // Private, behind a provider's NAT, link-local and the clouds' metadata.
  ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '100.127.255.255'],
  ['169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192', '168.63.129.16'],
  ['fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254'],
  // Multicast, broadcast, reserved, documentation, benchmarks.
  ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255', '192.88.99.1'],
  ['192.31.196.1', '192.52.193.1', '192.175.48.1'],
  ['2001:db8::1', '3fff::1', '100::1', '5f00::1', '4000::1', '2620:4f:8000::1'],
  // IPv4 inside of IPv6: mapped, compatible, NAT64, 6to4, Teredo, ORCHID.
  ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::127.0.0.1', '::ffff:0:127.0.0.1'],
  ['64:ff9b::7f00:1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2002:a00:1::1'],
  ['2001:0:7f00:1::', '2001:10::1', '2001:20::1'],
  // No addresses at all.
  ['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '8.8.8.8.', '2600::1%eth0', '8.8.8.8/32'],
].flat()

const isPublic = [
  ['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0'],
  ['126.255.255.255', '128.0.0.0', '169.253.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.1.0', '192.167.255.255', '198.17.255.255', '198.20.0.0', '223.255.255.255'],
  ['2001:200::1', '2001:4860:4860::8888', '2606:4700:4700::1111', '2a00::1', '2003::1'],
].flat()

describe('[T25] addresses', () => {
  test.each(notPublic)('%s is not public', address => expect(isPublicAddress(address)).toBe(false))
  test.each(isPublic)('%s is public', address => expect(isPublicAddress(address)).toBe(true))
})

describe('[T25] where requests may go', () => {
  test('to the public internet: by https, at its ports', () => {
    const to = { scheme: 'https', port: 443, address: '8.8.8.8' } as const
    expect(publicReach(to)).toBeUndefined()
    expect(publicReach({ ...to, port: 8443 })).toBeUndefined()
    expect(publicReach({ ...to, scheme: 'http', port: 80 })).toMatch(/https/)
    for (const port of [22, 25, 80, 6379, 8080]) expect(publicReach({ ...to, port })).toMatch(/443/)
  })

  test('no refusal says what an address is', () => {
    const to = { scheme: 'https', port: 443, address: '10.1.2.3' } as const
    expect(publicReach(to)).toBe('is not on the public internet')
  })

  test('in development also to this machine, and nowhere else', () => {
    const to = { scheme: 'http', port: 3_000, address: '127.0.0.1' } as const
    expect(loopbackReach(to)).toBeUndefined()
    expect(loopbackReach({ ...to, address: '::1' })).toBeUndefined()
    for (const address of ['10.0.0.1', '169.254.169.254', '::ffff:10.0.0.1', '8.8.8.8']) {
      expect(loopbackReach({ ...to, address })).toBeTypeOf('string')
    }
  })
})
