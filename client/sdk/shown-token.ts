/** The token that a document was opened with: shown to the server, and replaced while it goes on. */
import { tokenFrame } from '../../shared/frames.ts'
import { encodeHello } from './client-hello.ts'
import type { SyncChannelOptions } from './sync-listener.ts'

/** Read by the server (and by stock ones) as the provider's version. */
const VERSION = '4.0.0-weft'

type Options = Pick<SyncChannelOptions, 'name' | 'tokens' | 'incarnation' | 'schema' | 'outbox'>

export class ShownToken {
  readonly #options: Options
  readonly #send: (frame: Uint8Array) => void
  #shown = ''

  constructor(options: Options, send: (frame: Uint8Array) => void) {
    this.#options = options
    this.#send = send
  }

  /** `asking`: which question it belongs to; the server's hello says it again. */
  show(token: string, asking: number): void {
    const { name, incarnation, schema, outbox } = this.#options
    this.#shown = token
    const hello = encodeHello({
      incarnation: incarnation(),
      schema,
      lastFrame: outbox.lastFrame,
      asking,
    })
    this.#send(tokenFrame(name, { token, version: VERSION, hello }))
  }

  /**
   * Shows a fresher token on the connection as it is. Where none can be had the server asks again, and
   * in the end closes the document, which asks the application once more.
   */
  async renew(asking: number, isWanted: () => boolean): Promise<void> {
    let token: string
    try {
      token = await this.#options.tokens.renew(this.#shown)
    } catch {
      // The application's own bad day: it knows of it, and is asked again.
      return
    }
    if (isWanted() && token !== this.#shown) this.show(token, asking)
  }
}
