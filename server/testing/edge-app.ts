/** A server on loopback whose clients come, by the word of a trusted proxy, from anywhere. */
import { request } from 'node:http'
import { startTestApp, type TestApp } from './test-app.ts'

export const behindProxy = { WEFT_TRUSTED_PROXIES: '127.0.0.1' }

export function startEdgeApp(settings: Readonly<Record<string, string>> = {}): Promise<TestApp> {
  return startTestApp({ settings: { ...behindProxy, ...settings } })
}

export type RawAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}

export type RawRequest = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A request with headers that `fetch` would not send: Host, Origin, those of an upgrade. */
export function rawRequest(
  url: string,
  { method = 'GET', headers, body }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      )
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The headers of a socket that wants to be opened. */
export const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
} as const
