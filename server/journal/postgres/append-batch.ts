/** All appends of a commit as one statement, and its rows as their outcomes. */
import { WeftError } from '../../../shared/errors.ts'
import { quoteName } from '../../../shared/names.ts'
import { seqlessChecksum } from '../entry-checksum.ts'
import { refusedAppend, type AppendOutcome } from '../group-commit.ts'
import type { Append, NewEntry } from '../journal.ts'
import { storableText } from './storable-text.ts'

export const APPEND = `SELECT refusal, seq, detail FROM weft_append(
  $1, $2::text[], $3::int[], $4::text[], $5::int[], $6::bigint[], $7::bigint[], $8::bigint[],
  $9::bigint[], $10::text[], $11::int[], $12::int[], $13::int[], $14::bigint[],
  $15::text[], $16::text[], $17::bytea)`

export type AppendRow = {
  readonly refusal: AppendRefusal | null
  readonly seq: number | null
  readonly detail: string | null
}

type AppendRefusal =
  | 'DOCUMENT_NOT_FOUND'
  | 'DOCUMENT_DELETED'
  | 'INCARNATION_MISMATCH'
  | 'REQUEST_REPEATED'
  | 'SEQ_CONFLICT'
  | 'SCHEMA_CONFLICT'

/**
 * The values of {@link APPEND}. The bytes go in one blob that is cut apart over there: as an array
 * they would travel as text, at twice the size.
 */
export function appendValues(batch: readonly Append[], lockTimeoutMs: number): unknown[] {
  const docs = [...new Set(batch.map(({ name }) => name))]
  const places = new Map(docs.map((name, index) => [name, index + 1]))
  const entries = batch.flatMap(({ incarnation, entries: own }) =>
    own.map(entry => toStored(incarnation, entry)),
  )
  const lengths = entries.map(({ update }) => update.byteLength)
  let end = 1
  const starts = lengths.map(length => (end += length) - length)
  return [
    lockTimeoutMs,
    docs,
    batch.map(({ name }) => places.get(name)),
    batch.map(({ incarnation }) => incarnation),
    batch.map(({ entries: own }) => own.length),
    batch.map(({ afterSeq }) => afterSeq ?? null),
    batch.map(({ schema }) => schema?.from ?? null),
    batch.map(({ schema }) => schema?.to ?? null),
    entries.map(({ at }) => at),
    entries.map(({ author }) => author),
    entries.map(({ handsOver }) => (handsOver === true ? 1 : 0)),
    starts,
    lengths,
    entries.map(({ sum }) => sum),
    entries.map(({ request }) => textOrNull(request?.key)),
    entries.map(({ request }) => textOrNull(request?.digest)),
    Buffer.concat(entries.map(({ update }) => update)),
  ]
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storableText(text)
}

function toStored(incarnation: string, given: NewEntry): NewEntry & { readonly sum: number } {
  const entry = { ...given, author: storableText(given.author) }
  return { ...entry, sum: seqlessChecksum(incarnation, entry) }
}

export function appendOutcome(
  { name, incarnation, ...append }: Append,
  row: AppendRow | undefined,
) {
  if (row === undefined) return refusedAppend('INTERNAL', 'the database gave no answer')
  const { refusal, seq, detail } = row
  if (seq !== null) return { ok: true, seq } satisfies AppendOutcome
  switch (refusal) {
    case 'INCARNATION_MISMATCH':
      return refusedAppend(refusal, `${quoteName(name)} is ${detail} now, not ${incarnation}`)
    case 'REQUEST_REPEATED':
      return refusedAppend(refusal, 'this request has been carried out')
    case 'SEQ_CONFLICT':
      return refusedAppend(refusal, `the last entry is ${detail}, not ${append.afterSeq}`)
    case 'SCHEMA_CONFLICT':
      return refusedAppend(refusal, `the schema is at ${detail}, not ${append.schema?.from}`)
    default:
      return { ok: false, error: absence(name, refusal) } satisfies AppendOutcome
  }
}

/** Why a name has no living document. */
export function absence(
  name: Append['name'],
  code: 'DOCUMENT_NOT_FOUND' | 'DOCUMENT_DELETED' | null,
): WeftError {
  return code === 'DOCUMENT_DELETED'
    ? new WeftError(code, `${quoteName(name)} was deleted`)
    : new WeftError('DOCUMENT_NOT_FOUND', `there is no document ${quoteName(name)}`)
}
