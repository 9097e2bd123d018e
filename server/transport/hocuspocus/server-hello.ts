/** What a client of ours is told when its document is open. */
import {
  PROTOCOL_VERSION,
  type ControlMessage,
  type SchemaRange,
} from '../../../shared/protocol.ts'
import type { Pass } from '../../access/pass.ts'
import type { LiveDocument } from '../../documents/live-document.ts'
import { personOf } from '../../presence/person-of.ts'
import { toWire } from '../access-teller.ts'
import { isWithin, type Terms } from '../document-door.ts'

export type HelloFacts = {
  readonly document: LiveDocument
  readonly pass: Pass
  readonly terms: Terms
  /** Versions of the application's schema that the client understands. */
  readonly schema: SchemaRange | undefined
  /** What the client called its question. */
  readonly asking: number | undefined
}

export function serverHello({ document, pass, terms, schema, asking }: HelloFacts): ControlMessage {
  const writing = pass.writing()
  const mayWrite = writing.access !== 'read' && isWithin(document.schema, schema)
  const rule = writing.access === 'read' ? undefined : writing.rule
  return {
    type: 'weft.hello',
    protocol: PROTOCOL_VERSION,
    incarnation: document.incarnation,
    seq: document.seq,
    access: mayWrite ? writing.access : 'read',
    ...(mayWrite && rule !== undefined ? { rule: toWire(rule) } : {}),
    schema: document.schema,
    ...terms,
    ...(asking === undefined ? {} : { asking }),
    you: personOf(pass.principal),
  }
}
