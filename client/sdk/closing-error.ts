/** Why the server ended a document: it closes with a short code, and says it in full just before. */
import { WeftError, isErrorCode, type WireError } from '../../shared/errors.ts'

export function closingError(code: string, told: WireError | undefined): WireError {
  if (told?.code === code) return told
  const known = isErrorCode(code) ? code : 'INTERNAL'
  return new WeftError(known, `the server closed the document: ${code}`).toWire()
}
