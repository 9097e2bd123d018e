/** The real, unchanged clients that people already use. */
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

export type StockOptions = {
  readonly url: string
  readonly name: string
  /** Or what is asked for each connection. */
  readonly token: string | (() => string)
  readonly document?: Y.Doc
  readonly socket?: HocuspocusProviderWebsocket
  readonly sessionAwareness?: boolean
}

export function stockSocket(url: string): HocuspocusProviderWebsocket {
  return stockSocketOf(WebSocket, url)
}

/** With sockets of a kind of their own: other headers, another network. */
export function stockSocketOf(
  WebSocketPolyfill: typeof WebSocket,
  url: string,
): HocuspocusProviderWebsocket {
  return new HocuspocusProviderWebsocket({
    url,
    WebSocketPolyfill,
    delay: 200,
    minDelay: 100,
  })
}

/** A HocuspocusProvider, with what it was told kept for the test. */
export function stockProvider({
  url,
  name,
  token,
  document,
  socket,
  sessionAwareness,
}: StockOptions) {
  const failures: string[] = []
  const stateless: { type: string; [key: string]: unknown }[] = []
  const closes: { code: number; reason: string }[] = []
  const websocketProvider = socket ?? stockSocket(url)
  const provider = new HocuspocusProvider({
    websocketProvider,
    name,
    token,
    document: document ?? new Y.Doc(),
    sessionAwareness: sessionAwareness ?? false,
    onAuthenticationFailed: ({ reason }) => void failures.push(reason),
    onStateless: ({ payload }) => void stateless.push(JSON.parse(payload) as { type: string }),
    onClose: ({ event }) => void closes.push({ code: event.code, reason: event.reason }),
  })
  provider.attach()
  return {
    provider,
    doc: provider.document,
    text: provider.document.getText('text'),
    failures,
    stateless,
    closes,
    destroy() {
      provider.destroy()
      if (socket !== undefined) return
      // A socket that is closed while it connects says so, and nobody listens any more.
      const open = websocketProvider.webSocket as {
        on?: (event: string, f: () => void) => void
      } | null
      open?.on?.('error', () => {})
      websocketProvider.destroy()
    },
  }
}

export type StockClient = ReturnType<typeof stockProvider>

/** A WebsocketProvider of y-websocket. */
export function stockYProvider({
  url,
  name,
  token,
  document,
}: StockOptions & { readonly token: string }) {
  const doc = document ?? new Y.Doc()
  const provider = new WebsocketProvider(url, name, doc, {
    params: { token },
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
    maxBackoffTime: 500,
  })
  const closes: { code: number; reason: string }[] = []
  provider.on('connection-close', event => {
    if (event !== null) closes.push({ code: event.code, reason: event.reason })
  })
  return { provider, doc, text: doc.getText('text'), closes, destroy: () => provider.destroy() }
}
