/** Runs inside a page: lets the driver of a trace play one of its authors in a real browser. */
import type { SocketConstructor } from '../../client/sdk/socket.ts'
import { TraceAuthor, type TraceAuthorOptions } from './trace-author.ts'

export type BrowserAuthorOptions = Omit<TraceAuthorOptions, 'socket' | 'offline'>

declare global {
  // oxlint-disable-next-line no-var
  var createAuthor: (options: BrowserAuthorOptions) => Promise<void>
  // oxlint-disable-next-line no-var
  var author: TraceAuthor
}

globalThis.createAuthor = async options => {
  const socket = WebSocket as SocketConstructor
  globalThis.author = await TraceAuthor.create({ ...options, offline: 'indexeddb', socket })
}
