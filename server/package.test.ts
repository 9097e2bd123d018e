/** What `npm ci` and `import 'weft/client'` rest on. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string): unknown => JSON.parse(readFileSync(path(name), 'utf8'))

type Locked = { readonly optionalDependencies?: Readonly<Record<string, string>> }

/** Where Node looks for a package that is required in `folder`. */
function placesOf(name: string, folder: string): string[] {
  const places: string[] = []
  let at = folder
  for (;;) {
    places.push(at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`)
    if (at === '') return places
    at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))
  }
}

test('the lock file names the optional packages of every platform', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, Locked> }
  const missing = Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(name => !placesOf(name, folder).some(place => Object.hasOwn(packages, place)))
      .map(name => `${folder} -> ${name}`),
  )
  // npm forgets them when it writes the file beside installed modules of one platform only.
  expect(missing).toEqual([])
  expect(Object.keys(packages).some(name => name.endsWith('win32-x64-msvc'))).toBe(true)
})

test('all that reads updates reads them with the one lib0 that is safe', () => {
  const { packages } = read('package-lock.json') as {
    packages: Record<string, Locked & { version?: string }>
  }
  // Older ones read memory beyond a message (CVE-2026-102360), newer ones are not what Yjs expects.
  expect(packages['node_modules/lib0']?.version).toMatch(/^0\.2\.(12\d|1[3-9]\d|[2-9]\d\d)$/)
  const own = Object.keys(packages).filter(folder => folder.endsWith('/node_modules/lib0'))
  expect(own).toEqual(['node_modules/@blocknote/core/node_modules/lib0'])
})

test('no registry stands in the lock file', () => {
  expect(readFileSync(path('package-lock.json'), 'utf8')).not.toMatch(/"resolved": "http/)
})

test('every public entry has its source', () => {
  const { exports } = read('package.json') as {
    exports: Record<string, string | Record<string, string>>
  }
  expect(Object.keys(exports)).toEqual([
    './server',
    './client',
    './react',
    './react/suspense',
    './react/styles.css',
  ])
  for (const target of Object.values(exports)) {
    const source = typeof target === 'string' ? target : target['weft-source']
    expect(existsSync(path(source ?? ''))).toBe(true)
  }
})
