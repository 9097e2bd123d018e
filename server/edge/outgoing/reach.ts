/** Where requests of ours may go. */
import { isLoopbackAddress, isPublicAddress } from './public-addresses.ts'

export type Target = {
  readonly scheme: 'http' | 'https'
  readonly port: number
  /** A number, not a name: this is what would be connected to. */
  readonly address: string
}

/**
 * Why not, in words that go on after the host's name; undefined when it may. They do not say the
 * address: whoever chose the name could learn from it what names mean inside of our network.
 */
export type Reach = (target: Target) => string | undefined

/** With TLS another port tells nothing to a mail server; the list keeps scans of ports away. */
const ports: ReadonlySet<number> = new Set([443, 8443])

/** Whatever users name: https alone, to addresses of the public internet. */
export const publicReach: Reach = ({ scheme, port, address }) => {
  if (scheme !== 'https') return 'is to be asked by https'
  if (!ports.has(port)) return `is asked at port 443 or 8443, not ${port}`
  return isPublicAddress(address) ? undefined : 'is not on the public internet'
}

/** For development: this machine too, by http too, at any port. */
export const loopbackReach: Reach = target =>
  isLoopbackAddress(target.address) ? undefined : publicReach(target)
