/** Hands the client to the components below. */
import { createContext, use, type ReactNode } from 'react'
import type { WeftClient } from '../sdk/index.ts'

const ClientContext = createContext<WeftClient | null>(null)

export type WeftProviderProps = {
  /** Made once, outside of components: it holds the socket and the documents. */
  readonly client: WeftClient
  readonly children: ReactNode
}

export function WeftProvider({ client, children }: WeftProviderProps): ReactNode {
  return <ClientContext value={client}>{children}</ClientContext>
}

/** The client of the nearest {@link WeftProvider}. Throws when there is none. */
export function useClient(): WeftClient {
  const client = use(ClientContext)
  if (client === null) throw new Error('weft: this component is not inside a <WeftProvider>')
  return client
}
