/** A document's head as REST shows it. */
import { z } from '@hono/zod-openapi'
import { spaceOf } from '../../shared/names.ts'
import type { DocumentHead } from '../journal/journal.ts'

export const headSchema = z
  .object({
    name: z.string().openapi({ example: 'acme/plan-7/notes' }),
    space: z.string().openapi({ example: 'acme/plan-7' }),
    incarnation: z.string().openapi({ description: 'Another one after a deletion.' }),
    seq: z.number().int().openapi({ description: 'The last durable entry of the journal.' }),
    bytes: z.number().int(),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('DocumentHead')

export function toBody({
  name,
  incarnation,
  seq,
  bytes,
  createdAt,
  createdBy,
  updatedAt,
}: DocumentHead) {
  return {
    name,
    space: spaceOf(name),
    incarnation,
    seq,
    bytes,
    createdAt: new Date(createdAt).toISOString(),
    createdBy,
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

export function etagOf({
  incarnation,
  seq,
}: {
  readonly incarnation: string
  readonly seq: number
}): string {
  return `"${incarnation}.${seq}"`
}
