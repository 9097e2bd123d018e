/** The package as it is published: every entry is there, with types that Node and bundlers find. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from './journal/testing/temporary-folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = (program: string, args: readonly string[], cwd: string) =>
  execFileSync(join(root, 'node_modules/.bin', program), args, { cwd, encoding: 'utf8' })

const folder = temporaryFolder()
let tarball = ''

beforeAll(() => {
  // Built beside what is there: another test may be reading that.
  for (const name of ['package.json', 'README.md', 'LICENSE', 'client/react/styles.css']) {
    cpSync(join(root, name), join(folder.path, name))
  }
  const outDir = join(folder.path, 'dist/package')
  mkdirSync(join(folder.path, 'dist/pages'), { recursive: true })
  run('tsc', ['--project', join(root, 'tsconfig.build.json'), '--outDir', outDir], root)
  const args = ['pack', '--ignore-scripts', '--silent']
  execFileSync('npm', args, { cwd: folder.path, encoding: 'utf8' })
  tarball = readdirSync(folder.path).find(name => name.endsWith('.tgz')) ?? ''
}, 60_000)
afterAll(() => folder.remove())

test('publint finds nothing', () => {
  const said = run('publint', [tarball, '--strict'], folder.path)
  expect(said).toContain('All good!')
}, 30_000)

test('types are right for Node and for bundlers', () => {
  // A package of modules only, and a style sheet, which has no types.
  const args = [tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'react/styles.css']
  const said = run('attw', [...args, '--no-emoji', '--format', 'ascii'], folder.path)
  expect(said).toContain('"weft/react/suspense"')
}, 30_000)
