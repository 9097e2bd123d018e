/** Messages of clients: weft's own. An application's are not passed on, for nobody has said who may send them. */
import { WeftError } from '../../../shared/errors.ts'
import type { Frame } from '../../../shared/frames.ts'
import { parseCheckMessage } from '../../../shared/protocol.ts'
import {
  BEGINNING_LENGTH,
  parseSignalRequest,
  tooLargeRequest,
  type SignalRequest,
} from '../../../shared/signal-request.ts'
import * as decoding from 'lib0/decoding'
import type { Attachment } from './attachment.ts'

/** Throws when the frame ends too early. */
export function toAttachment({ decoder }: Frame, attachment: Attachment, bytesMax: number): void {
  if (decoder.arr.byteLength - decoder.pos > bytesMax) {
    const tooLarge = tooLargeRequest(beginningOf(decoder))
    if (tooLarge !== undefined) answer(tooLarge, attachment)
    return
  }
  const payload = decoding.readVarString(decoder)
  const check = parseCheckMessage(payload)
  if (check !== undefined) return attachment.session?.onCheck(check)
  const request = parseSignalRequest(payload)
  if (request !== undefined) answer(request, attachment)
}

function answer(request: SignalRequest, attachment: Attachment): void {
  const { session } = attachment
  if (session !== undefined) return session.signals.onRequest(request, session)
  const error = new WeftError('DOCUMENT_UNAVAILABLE', 'the document is not open yet')
  attachment.control({ type: 'weft.answer', ref: request.ref, error: error.toWire() })
}

/** The rest may be megabytes of anything. */
function beginningOf(decoder: decoding.Decoder): string {
  decoding.readVarUint(decoder)
  const { arr, pos } = decoder
  return Buffer.from(arr.buffer, arr.byteOffset + pos, BEGINNING_LENGTH).toString('latin1')
}
