/** The workspace's client: development tokens, one store for each person of this browser. */
import { createClient, type WeftClient } from '../sdk/index.ts'
import type { Profile } from './profile.ts'

export function createWorkspaceClient(profile: Profile): WeftClient {
  return createClient({
    url: location.origin,
    user: profile.id,
    token: () => fetchToken(profile),
  })
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
