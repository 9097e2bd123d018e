/** Reads the module that WEFT_HOOKS names. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { ConfigError } from '../config.ts'
import type { DocumentHooks } from '../documents/document-hooks.ts'

const hook = z
  .custom<(...args: never[]) => unknown>(value => typeof value === 'function')
  .optional()

const shape = z.strictObject({
  seed: hook,
  schema: z
    .strictObject({
      version: z.number().int().min(1),
      roots: hook,
      migrations: z.record(z.string().regex(/^[1-9]\d*$/), hook.unwrap()),
    })
    .optional(),
  onOpen: hook,
  onStored: hook,
  onClose: hook,
  onDelete: hook,
})

/** Throws {@link ConfigError}: a server without the hooks it was told of must not start. */
export async function loadHooks(path: string): Promise<DocumentHooks> {
  let loaded: unknown
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
    loaded = module.default
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([`WEFT_HOOKS: ${path} cannot be loaded: ${reason}`])
  }
  const parsed = shape.safeParse(loaded)
  if (parsed.success) return loaded as DocumentHooks
  throw new ConfigError(
    parsed.error.issues.map(
      ({ path: where, message }) =>
        `WEFT_HOOKS: the default export of ${path}: ${where.join('.')}: ${message}`,
    ),
  )
}
