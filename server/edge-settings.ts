/** Settings of the edge: which pages and addresses may come, and how often. */
import { z } from 'zod'
import { isNetwork } from './edge/networks.ts'
import { tierSchema } from './edge/tiers.ts'
import { count, list, setting } from './setting.ts'

const networkList = list.pipe(
  z.array(z.string().refine(isNetwork, 'must be addresses or networks, as 10.0.0.0/8')),
)
const tiers = z
  .string()
  .default('{}')
  .transform((value, context) => {
    try {
      return JSON.parse(value) as unknown
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' })
      return z.NEVER
    }
  })
  .pipe(tierSchema)

export const edgeSettings = {
  WEFT_ORIGINS: setting(
    list,
    'Comma-separated origins whose pages may connect or ask, such as `https://app.example.com`; ' +
      '`https://*.example.com` is each name one level below. The server’s own is always one.',
  ),
  WEFT_TRUSTED_PROXIES: setting(
    networkList,
    'Comma-separated addresses or networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` and ' +
      '`X-Forwarded-Proto` are believed.',
  ),
  WEFT_ALLOW_ADDRESSES: setting(
    networkList,
    'Addresses or networks from which alone one may connect; empty: from everywhere.',
  ),
  WEFT_DENY_ADDRESSES: setting(networkList, 'Addresses or networks that are refused.'),
  WEFT_ADDRESS_CONNECTS_PER_SECOND: setting(
    count(50),
    'Sockets opened from one address (IPv6: /64), after a burst of 20 times as many; from loopback 100 times more.',
  ),
  WEFT_ADDRESS_REQUESTS_PER_SECOND: setting(
    count(200),
    'REST requests from one address, after a burst of 20 times as many; from loopback 100 times more.',
  ),
  WEFT_BAN_MS: setting(
    count(60_000, 0),
    'How long an address is not heard that went on after a hundred refusals; 0: never.',
  ),
  WEFT_RATE_TIERS: setting(
    tiers,
    'What one user may do, by kind, as JSON: REST requests a second and at once, and as many ' +
      'sockets opened; kinds that are left out keep their default. `"roles":{"owner":{...}}` has precedence for ' +
      'those whose token grants that role anywhere.',
    '{"user":{"rate":100,"burst":2000},"agent":{"rate":50,"burst":500},"service":{"rate":500,"burst":5000}}',
  ),
  WEFT_CONNECTION_FRAMES_PER_SECOND: setting(
    count(100),
    'Frames of one socket that are no edits (presence, questions), one for every 8 KB, after a burst of ' +
      '10 times as many; then it is read more slowly.',
  ),
  WEFT_CONNECTION_BYTES_PER_SECOND: setting(
    count(2 << 20, 1024),
    'Bytes of edits of one socket, 256 more for each, after a burst of 8 times as many.',
  ),
  WEFT_DOCUMENT_FRAMES_PER_SECOND: setting(
    count(5_000),
    'The same frames over all sockets of a document; each waits for a second at most.',
  ),
  WEFT_DOCUMENT_BYTES_PER_SECOND: setting(
    count(8 << 20, 1024),
    'The same bytes over all sockets of a document.',
  ),
  WEFT_SLOW_DOWN_AFTER_MS: setting(
    count(30_000),
    'A socket that has been over its own limits for so long is closed with 4529.',
  ),
} as const
