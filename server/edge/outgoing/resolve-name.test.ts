/** [T25] The default way to an address. It asks no name server here. */
import { expect, test } from 'vitest'
import { resolveName } from './resolve-name.ts'

test.each(['localhost', 'localhost.', 'weft.localhost'])('[T25] %s is this machine', async name => {
  const found = await resolveName(name, new AbortController().signal)
  expect(found).toEqual(['127.0.0.1', '::1'])
})

test('[T25] whoever has stopped gets no answer', async () => {
  await expect(resolveName('localhost', AbortSignal.abort())).rejects.toThrow()
  const stop = new AbortController()
  const asked = resolveName('hooks.invalid', stop.signal)
  stop.abort()
  await expect(asked).rejects.toThrow()
})
