/** By what the server knows that sockets are of one device: a name that the browser keeps. */
import type { Random } from '../../shared/random.ts'
import type { SocketConstructor } from './socket.ts'

export type OwnDevice = { readonly id: string; readonly name: string | undefined }

const KEY = 'weft:device'

/** A new one each time where nothing can be kept. */
export function deviceId(random: Random): string {
  try {
    const kept = globalThis.localStorage?.getItem(KEY)
    if (typeof kept === 'string' && /^[A-Za-z0-9._~-]{1,64}$/.test(kept)) return kept
    const made = random.id()
    globalThis.localStorage?.setItem(KEY, made)
    return made
  } catch {
    // A private window, or a page that may keep nothing.
    return random.id()
  }
}

/**
 * Says it in the address of the socket itself, and not before: tabs that share one find each other by
 * an address that is the same for all of them.
 */
export function withDevice(given: SocketConstructor, { id, name }: OwnDevice): SocketConstructor {
  const called = name === undefined ? '' : `&deviceName=${encodeURIComponent(name)}`
  return function open(url: string) {
    // As text: what else stands in the address, a balancer may compare letter by letter.
    const separator = url.includes('?') ? '&' : '?'
    return new given(`${url}${separator}device=${id}${called}`)
  } as unknown as SocketConstructor
}
