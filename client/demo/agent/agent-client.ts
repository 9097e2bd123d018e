/** The assistant's own client: another user than the one who asks it, with a token of its own. */
import { createClient, type WeftClient } from '../../sdk/index.ts'

export type AgentOrder = {
  /** The server: `http://host`. */
  readonly url: string
  readonly space: string
  /** Whose assistant it is. */
  readonly owner: string
}

const NAME = 'Assistant'
const COLOR = '#6d28d9'
/** Longer than it ever works. */
const TOKEN_TTL_SECONDS = 600

export function createAgentClient({ url, space, owner }: AgentOrder): WeftClient {
  const order = {
    sub: `assistant-of-${owner}`,
    name: NAME,
    color: COLOR,
    kind: 'agent',
    // In this space alone, and no more than it needs.
    grants: [{ resource: `${space}/**`, role: 'editor' }],
    ttl: TOKEN_TTL_SECONDS,
  }
  return createClient({
    url,
    offline: 'memory',
    tabs: 'alone',
    token: () => fetchToken(url, order),
  })
}

async function fetchToken(url: string, order: object): Promise<string> {
  const response = await fetch(`${url}/v1/dev/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  if (!response.ok) throw new Error(`the server gave no token (${response.status})`)
  return ((await response.json()) as { readonly token: string }).token
}
