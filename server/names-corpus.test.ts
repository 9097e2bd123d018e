/** [T5] Five hundred names, most of them from people with bad intentions: the grammar decides alone. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rawRequest } from './testing/edge-app.ts'
import { temporaryFolder } from './journal/testing/temporary-folder.ts'
import { startTestApp } from './testing/test-app.ts'

const good = [
  'a',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'a.b',
  'a~b',
  '-',
  '_',
  '0',
  'a/b',
  'x'.repeat(255),
]
const pieces = [
  '..',
  '.',
  '',
  '%',
  '\\',
  '\0',
  '\u202e',
  ' ',
  '\n',
  ':',
  '*',
  '?',
  '#',
  '\u00e4',
  '\ud83d\ude00',
  '"',
  "'",
  '<',
  '|',
  '$',
  '`',
]
const shapes = [
  (piece: string) => piece,
  (piece: string) => `a/${piece}`,
  (piece: string) => `${piece}/a`,
  (piece: string) => `a/${piece}/b`,
  (piece: string) => `a${piece}b`,
  (piece: string) => `${piece}${piece}/etc/passwd`,
]
const special = [
  '../../../../x',
  'd:lock',
  'C:\\x',
  'x'.repeat(256),
  'x'.repeat(6_000),
  '~system',
  '~',
  'a/../../b',
  '/etc/passwd',
  'con ',
  'a/',
]

const corpus = [
  ...new Set([
    ...good,
    ...special,
    ...pieces.flatMap(piece => shapes.map(shape => shape(piece))),
    ...pieces.flatMap(piece => good.slice(0, 10).map(name => `${name}/${piece}${name}`)),
    ...pieces.flatMap(piece => pieces.map(other => `a${piece}${other}`)),
  ]),
]

/** Written anew, and not taken from the server: the rule in the README's words. */
function isValid(name: string): boolean {
  if (name.length < 1 || name.length > 255 || name.startsWith('~')) return false
  return name
    .split('/')
    .every(part => /^[A-Za-z0-9._~-]+$/.test(part) && part !== '.' && part !== '..')
}

test('[T5] only the grammar’s names are documents, and nothing is written elsewhere', async () => {
  expect(corpus.length).toBeGreaterThanOrEqual(500)
  const folder = temporaryFolder()
  const dataDir = join(folder.path, 'inner', 'data')
  mkdirSync(dataDir, { recursive: true })
  const server = await startTestApp({ dataDir })
  const files = () => readdirSync(dataDir).toSorted()
  try {
    const authorization = `Bearer ${await server.token('mallory')}`
    const wrong: string[] = []
    for (const name of corpus) {
      const path = `/v1/documents/${encodeURIComponent(name)}`
      const { status } = await rawRequest(`${server.url}${path}`, {
        method: 'PUT',
        headers: { authorization },
      })
      // An empty name is the address of the list, which cannot be put.
      const wanted = isValid(name) ? [200, 201] : [400, 403, 404]
      if (!wanted.includes(status)) wrong.push(`${JSON.stringify(name).slice(0, 60)}: ${status}`)
    }
    expect(wrong).toEqual([])
    expect(files().filter(file => !/^weft\.[a-z-]+$/.test(file))).toEqual([])
    expect(readdirSync(folder.path, { recursive: true }).length).toBe(files().length + 2)
  } finally {
    await server.stop()
    folder.remove()
  }
})
