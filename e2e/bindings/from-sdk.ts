import { createClient } from 'weft/client'

export function openWithSdk(url: string, name: string, fetchToken: () => Promise<string>) {
  const client = createClient({ url, token: fetchToken })
  // A handle has what editors look for in a provider: `document` and `awareness`.
  return client.open(name)
}
