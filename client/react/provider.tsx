/** Hands the client to the components below. */
import { createContext, use, useEffect, useReducer, type ReactNode } from 'react'
import type { WeftClient } from '../sdk/index.ts'
import { clientOnServer, clientStore, type ClientSettings } from './client-store.ts'

const ClientContext = createContext<WeftClient | null>(null)

export type WeftProviderProps = { readonly children: ReactNode } & (
  | {
      /** Made once, outside of components: it holds the socket and the documents. */
      readonly client: WeftClient
    }
  | (ClientSettings & { readonly client?: never })
)

/**
 * Either a client, or what it takes to make one. Of the settings only `url` and `user` say which
 * client it is, and `token` may be another function in each render; the others are read once.
 *
 * @example
 * <WeftProvider url="https://weft.example.com" user={me.id} token={() => fetchToken()}>
 */
export function WeftProvider(props: WeftProviderProps): ReactNode {
  if (props.client !== undefined) {
    return <ClientContext value={props.client}>{props.children}</ClientContext>
  }
  return typeof document === 'undefined' ? (
    <ClientContext value={clientOnServer()}>{props.children}</ClientContext>
  ) : (
    <OwnClient settings={props}>{props.children}</OwnClient>
  )
}

type OwnClientProps = { readonly settings: ClientSettings; readonly children: ReactNode }

function OwnClient({ settings, children }: OwnClientProps): ReactNode {
  const { children: _, client: __, ...options } = settings as WeftProviderProps & ClientSettings
  const store = clientStore(options)
  const { token } = settings
  const client = store.get()
  const [, showAnother] = useReducer((count: number) => count + 1, 0)
  useEffect(() => {
    const release = store.hold()
    // Hidden for a while, it was closed.
    if (store.get() !== client) showAnother()
    return release
  }, [store, client])
  useEffect(() => store.setToken(token), [store, token])
  return <ClientContext value={client}>{children}</ClientContext>
}

/** The client of the nearest {@link WeftProvider}. Throws when there is none. */
export function useClient(): WeftClient {
  const client = use(ClientContext)
  if (client === null) throw new Error('weft: this component is not inside a <WeftProvider>')
  return client
}
