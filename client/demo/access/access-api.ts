/** Who may do what with a page: thin calls to the REST API, as the person who is signed in. */
import { WeftError, isErrorCode } from '../../../shared/errors.ts'
import type { Capability } from '../../../shared/permissions.ts'

export type PageGrant = {
  readonly id: string
  /** `user:<id>`, `group:<name>` or `*`. */
  readonly subject: string
  /** The page itself, or a pattern that covers it. */
  readonly resource: string
  readonly effect: 'allow' | 'deny'
  readonly role: string | null
  readonly capabilities: readonly Capability[] | null
  readonly paths: readonly string[] | null
  readonly condition: string | null
  /** ISO 8601; null: without an end. */
  readonly expiresAt: string | null
}

export type GrantOrder = {
  readonly subject: string
  readonly resource: string
  readonly role: string
  readonly expiresAt?: string
}

export type GrantChange = { readonly role?: string; readonly expiresAt?: string | null }

export type Explanation = {
  readonly allowed: boolean
  readonly because: string
  readonly until: string | null
  readonly paths: readonly string[] | null
}

export type AccessApi = ReturnType<typeof createAccessApi>

const PAGE_LIMIT = 200

/** All of it throws {@link WeftError} for what the server refuses, TypeError without a network. */
export function createAccessApi(fetchToken: () => Promise<string>) {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${await fetchToken()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw await refusalOf(response)
    return (response.status === 204 ? undefined : await response.json()) as T
  }
  return {
    async grants(query: { resource?: string; subject?: string }): Promise<readonly PageGrant[]> {
      const asked = new URLSearchParams({ ...query, limit: String(PAGE_LIMIT) })
      return (await call<{ grants: PageGrant[] }>('GET', `/v1/grants?${asked}`)).grants
    },
    grant: (order: GrantOrder) => call<PageGrant>('POST', '/v1/grants', order),
    change: (id: string, change: GrantChange) =>
      call<PageGrant>('PATCH', `/v1/grants/${id}`, change),
    revoke: (id: string) => call<void>('DELETE', `/v1/grants/${id}`),
    explain(query: { resource: string; capability: Capability }): Promise<Explanation> {
      return call('GET', `/v1/access/explain?${new URLSearchParams(query)}`)
    },
  }
}

async function refusalOf(response: Response): Promise<WeftError> {
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string }
  const code = problem.code !== undefined && isErrorCode(problem.code) ? problem.code : 'INTERNAL'
  return new WeftError(code, problem.detail ?? `the server answered ${response.status}`)
}
