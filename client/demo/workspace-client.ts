/** The workspace's client: development tokens, one store for each person of this browser. */
import { createClient, presenceStatuses, type WeftClient } from '../sdk/index.ts'
import type { Profile } from './profile.ts'

export function createWorkspaceClient(profile: Profile): WeftClient {
  const client = createClient({
    url: location.origin,
    user: profile.id,
    token: () => fetchToken(profile),
  })
  keepStatus(client, profile)
  return client
}

async function fetchToken({ id, name, color, kind }: Profile): Promise<string> {
  // A member owns everything, which is what a token says unless told otherwise; a guest has what
  // others grant.
  const grants = kind === 'guest' ? { grants: [] } : {}
  const response = await fetch('/v1/dev/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: id, name, color, ...grants }),
  })
  if (response.status === 404) {
    throw new Error('this server is not in development mode: the workspace needs its tokens')
  }
  if (!response.ok) throw new Error(`the server gave no token (${response.status})`)
  const { token } = (await response.json()) as { token: string }
  return token
}

/** Who hides, or is busy, is so after a reload too. */
function keepStatus({ status, life }: WeftClient, { id }: Profile): void {
  const key = `weft status ${id}`
  const kept = presenceStatuses.find(one => one === localStorage.getItem(key))
  if (kept !== undefined) status.choose(kept)
  status.chosen.subscribe(() => {
    if (life.get() === 'active') localStorage.setItem(key, status.chosen.get())
  })
  life.subscribe(() => {
    if (life.get() === 'signed out') localStorage.removeItem(key)
  })
}
