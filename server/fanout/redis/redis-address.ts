/** Where Redis is, read from one URL: a server, what sentinels say, or a cluster. */

export type Host = { readonly host: string; readonly port: number }

export type RedisAddress = {
  /** One or more; of a cluster and of sentinels it is enough that one answers. */
  readonly hosts: readonly Host[]
  readonly username?: string
  readonly password?: string
  readonly security: 'plain' | 'tls'
} & (
  | { readonly kind: 'single' }
  | { readonly kind: 'sentinel'; readonly master: string }
  | { readonly kind: 'cluster' }
)

const form =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<login>[^@/]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[\w.-]*))?$/

/**
 * `redis://host:port`, `redis+sentinel://host:port,host:port/master`, `redis+cluster://host:port,...`;
 * `rediss` for TLS, `user:password@` before the hosts. Undefined when it is none of these.
 */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  const parts = form.exec(url)?.groups
  if (parts === undefined) return undefined
  const { tls, kind = 'single', login = '', hosts = '', path = '' } = parts
  const parsed = hosts.split(',').map(host => parseHost(host, kind === 'sentinel' ? 26_379 : 6_379))
  const found = parsed.filter(host => host !== undefined)
  const credentials = parseLogin(login)
  if (found.length < parsed.length || credentials === undefined) return undefined
  const common = { hosts: found, security: tls === '' ? 'plain' : 'tls', ...credentials } as const
  switch (kind) {
    case 'sentinel':
      return path === '' ? undefined : { ...common, kind, master: path }
    case 'cluster':
      return path === '' ? { ...common, kind } : undefined
    default:
      // A database number is harmless: publishing knows no databases.
      return found.length === 1 && /^\d*$/.test(path) ? { ...common, kind: 'single' } : undefined
  }
}

function parseHost(text: string, fallbackPort: number): Host | undefined {
  const url = URL.parse(`weft://${text}`)
  if (url === null || url.hostname === '' || url.pathname !== '') return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { host, port: url.port === '' ? fallbackPort : Number(url.port) }
}

function parseLogin(text: string): { username?: string; password?: string } | undefined {
  const [username = '', password = ''] = text.split(/:(.*)/s)
  try {
    return {
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    }
  } catch {
    // A percent sign that begins no escape.
    return undefined
  }
}
