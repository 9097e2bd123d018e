/** One request and its answer, with an address that has been looked at. */
import {
  request as plainRequest,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http'
import { request as secureRequest, type RequestOptions } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { abortOf, OutgoingError, type OutgoingFault } from './outgoing-error.ts'

export type OutgoingOrder = {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

export type OutgoingAnswer = {
  /** Also 301 and its like: nobody is followed anywhere. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As it came: packed, where whoever answers packs it unasked. */
  readonly body: Uint8Array
}

export type ExchangeOptions = OutgoingOrder & {
  /** In order of preference, at least one. */
  readonly addresses: readonly string[]
  readonly signal: AbortSignal
  /** Authorities beside those that Node knows, in PEM. */
  readonly ca: string | undefined
}

const BODY_BYTES_MAX = 64 << 10
const HEAD_BYTES_MAX = 16 << 10

/** Rejects with OutgoingError. */
export async function exchange(url: URL, options: ExchangeOptions): Promise<OutgoingAnswer> {
  const request = start(url, options)
  let status: number | undefined
  try {
    const response = await answerOf(request, options.body)
    status = response.statusCode ?? 0
    return { status, headers: response.headers, body: await readSome(response) }
  } catch (error) {
    const { fault, message } = causeOf(error, options.signal)
    const known = status === undefined ? {} : { status }
    throw new OutgoingError(fault, `${url.hostname}: ${message}`, { ...known, cause: error })
  } finally {
    request.destroy()
  }
}

function causeOf(error: unknown, signal: AbortSignal): { fault: OutgoingFault; message: string } {
  if (error instanceof OutgoingError) return error
  if (signal.aborted) return abortOf(signal)
  return { fault: 'unreachable', message: codeOf(error) }
}

/** Node checks the certificate against `servername`, and an address in its place has none to send. */
function start(url: URL, options: ExchangeOptions): ClientRequest {
  const { addresses, method = 'GET', headers = {}, body, signal, ca } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const name = host.replace(/\.$/, '')
  const order: RequestOptions = {
    host,
    port: url.port,
    path: `${url.pathname}${url.search}`,
    method,
    headers: {
      ...headers,
      host: url.host,
      'accept-encoding': 'identity',
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
    lookup: lookupOf(addresses),
    // A connection of its own: the next request may be to be refused. It knows no proxy either.
    agent: false,
    maxHeaderSize: HEAD_BYTES_MAX,
    signal,
  }
  if (url.protocol === 'http:') return plainRequest(order)
  const servername = isIP(host) === 0 ? name : ''
  return secureRequest({
    ...order,
    servername,
    // Also where the environment says otherwise.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  })
}

/** Whoever asks is told what was found when it was looked at, and not what is there by now. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map(address => ({ address, family: isIP(address) }))
  return (_name, { all }, callback) => {
    if (all === true) return callback(null, found)
    callback(null, found[0]?.address ?? '', found[0]?.family)
  }
}

function answerOf(
  request: ClientRequest,
  body: string | Uint8Array | undefined,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request.on('response', resolve)
  // Stays: what breaks later is heard at the answer.
  request.on('error', reject)
  // Node lets go of whoever switches protocols unasked, and says nothing.
  request.on('upgrade', (_response, socket) => {
    socket.destroy()
    reject(new Error('another protocol was answered'))
  })
  request.on('close', () => reject(new Error('closed without an answer')))
  request.end(body)
  return promise
}

async function readSome(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES_MAX) {
      throw new OutgoingError('too-large', `more than ${BODY_BYTES_MAX} bytes are the answer`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
