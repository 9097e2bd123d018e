/** Secrets do not belong into addresses: proxies and browsers write those down. */
import { WeftError } from '../../shared/errors.ts'

const secretNames: ReadonlySet<string> = new Set(['token', 'access_token', 'jwt'])

/** Throws REQUEST_INVALID. `/y/`, whose stock clients can do no other, does not ask. */
export function refuseSecrets(query: URLSearchParams): void {
  for (const name of query.keys()) {
    if (!secretNames.has(name.toLowerCase())) continue
    throw new WeftError('REQUEST_INVALID', 'a token in the address; it belongs into the request')
  }
}
