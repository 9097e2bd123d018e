import { HocuspocusProvider } from '@hocuspocus/provider'

export function openWithHocuspocus(url: string, name: string, fetchToken: () => Promise<string>) {
  return new HocuspocusProvider({ url: `${url}/sync`, name, token: fetchToken })
}
