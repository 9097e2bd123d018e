/** What this client says of itself behind its token. */
import { PROTOCOL_VERSION, type ClientHello, type SchemaRange } from '../../shared/protocol.ts'

export type HelloParts = {
  /** Of the local copy; null when there is none. */
  readonly incarnation: string | null
  readonly schema: SchemaRange | undefined
  readonly lastFrame: number
  /** Which of this document's questions to be let in it is. */
  readonly asking: number
}

export function encodeHello({ incarnation, schema, lastFrame, asking }: HelloParts): string {
  const hello: ClientHello = {
    protocol: PROTOCOL_VERSION,
    ...(incarnation === null ? {} : { incarnation }),
    ...(schema === undefined ? {} : { schema }),
    lastFrame,
    asking,
  }
  return JSON.stringify(hello)
}
