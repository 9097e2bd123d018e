/** How whoever is called can tell that it is us, and that it is not an old call said again. */
import { createHmac } from 'node:crypto'

export const SIGNATURE_HEADER = 'weft-signature'
const SECRET_LENGTH_MIN = 32

export type Delivery = {
  /** Ms since 1970; the header says seconds. A delivery that is tried again is signed again. */
  readonly at: number
  readonly body: string | Uint8Array
}

/**
 * `t=<seconds>,v1=<hex of HMAC-SHA256 over "<seconds>.<body>">`. Throws TypeError at a secret of less
 * than 32 characters: with an empty one anybody could sign.
 */
export function signDelivery(secret: string, { at, body }: Delivery): string {
  if (secret.length < SECRET_LENGTH_MIN) {
    throw new TypeError(`a secret of less than ${SECRET_LENGTH_MIN} characters signs nothing`)
  }
  const seconds = Math.floor(at / 1_000)
  const hmac = createHmac('sha256', secret).update(`${seconds}.`).update(body)
  return `t=${seconds},v1=${hmac.digest('hex')}`
}
