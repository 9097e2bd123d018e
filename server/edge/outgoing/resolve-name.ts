/** The addresses of a name, from the DNS alone. */
import { Resolver } from 'node:dns/promises'

/** Rejects when there is none, and when the signal aborts. */
export type ResolveName = (name: string, signal: AbortSignal) => Promise<readonly string[]>

/** Both questions have their time within that of a request, also where one family is not answered. */
const times = { timeout: 1_000, tries: 2 }

/**
 * Not the system's own way: that one keeps a thread for each name that is slow, of which there are
 * two, and it adds the search domains of the network inside which we run.
 */
export const resolveName: ResolveName = (name, signal) => ask(new Resolver(times), { name, signal })

/** By these name servers (`192.0.2.53:53`), and not by those of the system. */
export function resolveNameBy(servers: readonly string[]): ResolveName {
  return (name, signal) => {
    const resolver = new Resolver(times)
    resolver.setServers(servers)
    return ask(resolver, { name, signal })
  }
}

async function ask(
  resolver: Resolver,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  signal.throwIfAborted()
  // Nobody needs to be asked for these (RFC 6761, section 6.3), and name servers may say anything.
  if (/^(.+\.)?localhost\.?$/.test(name)) return ['127.0.0.1', '::1']
  const stop = () => resolver.cancel()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const found = [four, six].flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    if (found.length === 0 && four.status === 'rejected') throw four.reason
    return found
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
