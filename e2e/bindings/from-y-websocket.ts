import { WebsocketProvider } from 'y-websocket'
import { Doc } from 'yjs'

export async function openWithYWebsocket(
  url: string,
  name: string,
  fetchToken: () => Promise<string>,
) {
  const document = new Doc()
  const params = { token: await fetchToken() }
  const { awareness } = new WebsocketProvider(`${url}/y`, name, document, { params })
  return { document, awareness }
}
