/** Clients that a provider makes by itself: one for each server and user, however often it renders. */
import { createClient, type ClientOptions, type WeftClient } from '../sdk/index.ts'

/** What the provider has to know to make a client; the same `url` and `user` are the same client. */
export type ClientSettings = Omit<ClientOptions, 'user'> & { readonly user: string }

export type ClientStore = {
  /** Made when it is first asked for: nothing but a document opens a socket. */
  readonly get: () => WeftClient
  /** The client is closed some time after the last hold was let go of. */
  readonly hold: () => () => void
  /** Tokens are asked of this function from now on. */
  readonly setToken: (token: ClientOptions['token']) => void
}

/** A provider that is mounted anew, or suspends before it is mounted at all, finds its client. */
const CLOSE_DELAY_MS = 5_000

const stores = new Map<string, ClientStore>()
let serverClient: WeftClient | undefined

export function clientStore(settings: ClientSettings): ClientStore {
  const key = JSON.stringify([settings.url, settings.user])
  const store = stores.get(key) ?? createStore(key, settings)
  stores.set(key, store)
  return store
}

/**
 * For rendering on a server: nothing can be opened with it, and it holds nothing. Ended at once,
 * so that it has no timers.
 */
export function clientOnServer(): WeftClient {
  if (serverClient !== undefined) return serverClient
  const parts = { offline: 'memory', tabs: 'alone', device: 'server' } as const
  serverClient = createClient({ url: 'http://localhost', token: '', ...parts })
  void serverClient.close()
  return serverClient
}

function createStore(key: string, settings: ClientSettings): ClientStore {
  let { token } = settings
  let client: WeftClient | undefined
  let holds = 0
  let closing: ReturnType<typeof setTimeout> | undefined

  const close = () => {
    if (stores.get(key) === store) stores.delete(key)
    void client?.close()
    client = undefined
  }
  const closeLater = () => {
    clearTimeout(closing)
    if (holds === 0) closing = setTimeout(close, CLOSE_DELAY_MS)
  }
  const store: ClientStore = {
    get() {
      if (client === undefined || client.life.get() === 'closed') {
        client = createClient({
          ...settings,
          token: async () => (typeof token === 'function' ? token() : token),
        })
        closeLater()
      }
      return client
    },
    hold() {
      holds += 1
      if (!stores.has(key)) stores.set(key, store)
      clearTimeout(closing)
      return () => {
        holds -= 1
        closeLater()
      }
    },
    setToken: given => void (token = given),
  }
  return store
}
