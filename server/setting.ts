/** What a setting is made of: how its text is read, and a sentence for people. */
import { z } from 'zod'

export type Setting<Schema extends z.ZodType> = {
  readonly schema: Schema
  /** One sentence for --help and the README. */
  readonly sentence: string
  /** What the README shows as default where the schema cannot tell. */
  readonly shownDefault?: string
}

export const setting = <Schema extends z.ZodType>(
  schema: Schema,
  sentence: string,
  shownDefault?: string,
): Setting<Schema> =>
  shownDefault === undefined ? { schema, sentence } : { schema, sentence, shownDefault }

/** Digits only: an empty setting is a mistake, and `Number('')` would make a zero of it. */
export const count = (fallback: number, min = 1) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(Number.MAX_SAFE_INTEGER))
    .default(fallback)
export const text = z.string().min(1).optional()
export const list = z
  .string()
  .default('')
  .transform(value => value.split(',').flatMap(part => part.trim() || []))
