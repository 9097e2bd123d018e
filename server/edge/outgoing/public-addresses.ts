/** Which addresses are of the public internet, and none of this machine, its network or its cloud. */
import { isIP } from 'node:net'
import { contains, networks } from '../networks.ts'

/** The special-purpose registry of IANA for IPv4, and one row that is not in it. */
const special4 = networks([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // The host of a machine in Azure, at an address that looks like anybody's.
  '168.63.129.16',
])

/**
 * All of IPv6 that is given to anybody. Outside of it lie loopback, link-local and unique local
 * addresses, multicast, and those that carry an IPv4 address (`::ffff:0:0/96`, `64:ff9b::/96`).
 */
const given6 = networks(['2000::/3'])

/** Inside of it: protocols (Teredo, ORCHID), documentation, 6to4, AS112. */
const special6 = networks([
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
])

/** What is no address, or one of an interface (`%eth0`), is not public. */
export function isPublicAddress(address: string): boolean {
  if (address.includes('%')) return false
  if (isIP(address) === 4) return !contains(special4, address)
  return contains(given6, address) && !contains(special6, address)
}

const loopback = networks(['127.0.0.0/8', '::1'])

export function isLoopbackAddress(address: string): boolean {
  return contains(loopback, address)
}
