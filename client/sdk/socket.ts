/** The part of a WebSocket that the sdk needs; browsers, Node and `ws` have it. */
import { nameOfAddress } from '../../shared/frames.ts'
import { spaceOf, type DocumentName } from '../../shared/names.ts'
import { systemName } from '../../shared/system-names.ts'

export type SocketLike = {
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: Uint8Array): void
  close(code?: number, reason?: string): void
}

/**
 * Close code of a socket that was another tab's and is not any more: nothing is wrong with the
 * network, so that there is no need to wait.
 */
export const MOVED_CODE = 3900

export type SocketConstructor = new (url: string) => SocketLike

/** The socket's address from what people give: `http(s)://host`, `ws(s)://host`, with /sync or not. */
export function syncUrl(given: string): string {
  const url = new URL(given, typeof location === 'undefined' ? undefined : location.href)
  url.protocol = url.protocol.replace(/^http/, 'ws')
  if (!url.pathname.endsWith('/sync')) url.pathname = `${url.pathname.replace(/\/$/, '')}/sync`
  return url.href
}

/**
 * Says in the address which space the socket is wanted for, so that a load balancer can bring those
 * who work together to one server. That saves work; nothing depends on it.
 */
export function withSpace(url: string, address: string): string {
  const name = nameOfAddress(address)
  const system = systemName(name)
  const space = system?.kind === 'space' ? system.space : spaceOf(name as DocumentName)
  if (space === '') return url
  const found = new URL(url)
  found.searchParams.delete('space')
  // As it is: what names are made of needs no escaping, and a balancer that compares the text finds
  // the same in the path of a y-websocket client.
  found.search = [...found.search.slice(1).split('&').filter(Boolean), `space=${space}`].join('&')
  return found.href
}
