/** What this client says of itself behind its token. */
import { PROTOCOL_VERSION, type ClientHello, type SchemaRange } from '../../shared/protocol.ts'

export type HelloParts = {
  /** Of the local copy; null when there is none. */
  readonly incarnation: string | null
  readonly schema: SchemaRange | undefined
}

export function encodeHello({ incarnation, schema }: HelloParts): string {
  const hello: ClientHello = {
    protocol: PROTOCOL_VERSION,
    ...(incarnation === null ? {} : { incarnation }),
    ...(schema === undefined ? {} : { schema }),
  }
  return JSON.stringify(hello)
}
