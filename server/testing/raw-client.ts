/** A client that sends whatever bytes it likes. */
import { once } from 'node:events'
import { WebSocket, type RawData } from 'ws'
import { messageType, readFrame, tokenFrame } from '../../shared/frames.ts'
import * as decoding from 'lib0/decoding'

export type RawClient = Awaited<ReturnType<typeof rawClient>>

export async function rawClient(
  url: string,
  options: { origin?: string; protocols?: string[] } = {},
) {
  const { origin, protocols = [] } = options
  const socket = new WebSocket(url, protocols, origin === undefined ? {} : { origin })
  const frames: Uint8Array[] = []
  let closed: { code: number; reason: string } | undefined
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data: RawData) => void frames.push(Uint8Array.from(data as Buffer)))
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
  })
  socket.on('error', () => {
    // Refused upgrades are looked at through `close` and `unexpected-response`.
  })
  await once(socket, 'open')
  return {
    socket,
    frames,
    get closed() {
      return closed
    },
    send: (bytes: Uint8Array | string) => socket.send(bytes),
    authenticate: (address: string, token: string, hello = '') =>
      socket.send(tokenFrame(address, { token, version: '4.8.0', hello })),
    /** Payloads of the stateless messages so far, as JSON. */
    told: () =>
      frames
        .filter(bytes => bytes.byteLength > 1)
        .map(readFrame)
        .filter(({ type }) => type === messageType.stateless)
        .map(({ decoder }) => JSON.parse(decoding.readVarString(decoder)) as Told),
    close: () => socket.terminate(),
  }
}

type Told = { readonly type: string; readonly error?: { readonly code: string } }
