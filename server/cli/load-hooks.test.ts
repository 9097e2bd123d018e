/** The hooks module: read with care, for a server with half of its rules must not start. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../journal/testing/temporary-folder.ts'
import { loadHooks } from './load-hooks.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())
let count = 0
const load = (source: string) => {
  const file = join(folder.path, `hooks-${count++}.mjs`)
  writeFileSync(file, `export default ${source}`)
  return loadHooks(file)
}

describe('[G7] signals in the hooks module', () => {
  test('schemas, functions and topics are taken as they are', async () => {
    const { signals } = await load(`{
      seed: () => undefined,
      signals: {
        types: { 'chat.message': { safeParse: data => ({ success: true, data }) }, wave: data => data },
        topics: ['chat.*', '*.news'],
      },
    }`)
    expect(Object.keys(signals?.types ?? {})).toEqual(['chat.message', 'wave'])
    expect(signals?.topics).toEqual(['chat.*', '*.news'])
    expect((await load('{}')).signals).toBeUndefined()
  })

  test.each([
    ['a type that is none', `{ signals: { types: { 'a b': () => 1 } } }`, 'signals.types'],
    ['a type of the server', `{ signals: { types: { 'weft.x': () => 1 } } }`, 'signals.types'],
    ['a schema that is none', `{ signals: { types: { chat: {} } } }`, 'signals.types.chat'],
    ['a pattern that is none', `{ signals: { topics: ['a..b'] } }`, 'signals.topics.0'],
    ['a misspelled name', `{ signals: { topic: [] } }`, 'signals'],
  ])('%s: the server does not start, and says where', async (_, source, place) => {
    await expect(load(source)).rejects.toThrow(place)
  })
})
