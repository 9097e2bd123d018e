/** Reads the module that WEFT_HOOKS names. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { isReserved } from '../../shared/signal-request.ts'
import { topicPattern, signalType } from '../../shared/signals.ts'
import type { AppHooks } from '../app-signals.ts'
import { ConfigError } from '../config.ts'

const hook = z
  .custom<(...args: never[]) => unknown>(value => typeof value === 'function')
  .optional()

/** Zod's own schemas are objects, and others' may be functions with more to them. */
const signalCheck = z.custom<object>(
  value =>
    typeof value === 'function' ||
    (typeof value === 'object' &&
      value !== null &&
      'safeParse' in value &&
      typeof value.safeParse === 'function'),
  'must be a function, or have safeParse',
)
const isType = (text: string) => signalType.safeParse(text).success && !isReserved(text)
const isPattern = (text: string) => topicPattern.safeParse(text).success

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
  signals: z
    .strictObject({
      types: z.record(z.string().refine(isType, 'is no type of a signal'), signalCheck).optional(),
      topics: z.array(z.string().refine(isPattern, 'is no pattern of topics')).optional(),
    })
    .optional(),
})

/** Throws {@link ConfigError}: a server without the hooks it was told of must not start. */
export async function loadHooks(path: string): Promise<AppHooks> {
  let loaded: unknown
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }
    loaded = module.default
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([`WEFT_HOOKS: ${path} cannot be loaded: ${reason}`])
  }
  const parsed = shape.safeParse(loaded)
  if (parsed.success) return loaded as AppHooks
  throw new ConfigError(
    parsed.error.issues.map(
      ({ path: where, message }) =>
        `WEFT_HOOKS: the default export of ${path}: ${where.join('.')}: ${message}`,
    ),
  )
}
