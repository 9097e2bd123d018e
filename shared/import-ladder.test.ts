/** Reads every import of the project and holds it against the ladder of README.md. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Lower rooms come first; rooms of one step do not see each other. */
const serverSteps = [
  ['base'],
  ['journal', 'database', 'fanout', 'edge'],
  ['audit'],
  ['access'],
  ['documents'],
  ['presence'],
  ['features'],
  ['transport', 'rest'],
  ['cli'],
]
const clientSteps = [['sdk'], ['react'], ['demo', 'console']]

/** Packages that only one room may know. */
const guardedPackages: Readonly<Record<string, readonly string[]>> = {
  '@hocuspocus/server': ['server/transport/hocuspocus/'],
  'better-sqlite3': ['server/journal/sqlite/', 'server/database/'],
  pg: ['server/journal/postgres/', 'server/database/', 'server/testing/'],
  kysely: [
    'server/database/',
    'server/audit/',
    'server/access/',
    'server/presence/',
    'server/features/',
    'migrations/',
  ],
  '@marcbachmann/cel-js': ['server/access/'],
  jose: ['server/access/'],
  ws: ['server/transport/'],
  hono: ['server/rest/'],
  '@hono/zod-openapi': ['server/rest/'],
  '@hono/node-server': ['server/rest/'],
  pino: ['server/base/', 'server/testing/'],
  'prom-client': ['server/base/'],
  idb: ['client/sdk/'],
  'use-sync-external-store': ['client/react/'],
  ioredis: ['server/fanout/redis/'],
  'cluster-key-slot': ['server/fanout/redis/'],
  cockatiel: ['server/base/'],
}

type Import = { readonly file: string; readonly specifier: string; readonly target: string }

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), 'utf8')
  const found = source.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]|new URL\(\s*['"]([^'"]+\.ts)['"]/g,
  )
  return [...found].map(match => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? match[4] ?? ''
    const target = specifier.startsWith('.')
      ? relative(root, join(root, dirname(file), specifier))
          .split(sep)
          .join('/')
      : specifier
    return { file, specifier, target }
  })
}

/** Tests, contracts and their helpers stand above the house and may look anywhere. */
const isTest = (file: string) =>
  /\.(test|test-d|contract)\.tsx?$/.test(file) || file.includes('/testing/')

export function complaint({ file, target }: Import): string | undefined {
  const guard = Object.entries(guardedPackages).find(
    ([name]) => target === name || target.startsWith(`${name}/`),
  )
  if (guard !== undefined && !guard[1].some(room => file.startsWith(room))) {
    return `${file} imports ${target}, which only ${guard[1].join(' and ')} may know`
  }
  const [top, room = ''] = file.split('/')
  const [targetTop, targetRoom = ''] = target.split('/')
  if (targetTop === 'shared') return undefined
  if (top === 'shared') {
    return isOurs(targetTop) || target.startsWith('node:')
      ? `${file} imports ${target}: shared/ knows nothing but itself`
      : undefined
  }
  if (!isOurs(targetTop)) return undefined
  if (top === 'server' && targetTop === 'server') return ladderComplaint(file, target, serverSteps)
  if (top === 'client' && targetTop === 'client') return ladderComplaint(file, target, clientSteps)
  if (room === 'database' && targetTop === 'migrations') return undefined
  if (top === targetTop) return undefined
  return `${file} imports ${target}: ${top}/ and ${targetTop}/ meet only in shared/ (${targetRoom})`
}

const isOurs = (top: string | undefined) =>
  top !== undefined && ['server', 'client', 'migrations', 'e2e', 'bench'].includes(top)

function ladderComplaint(file: string, target: string, steps: string[][]): string | undefined {
  const [, room = ''] = file.split('/')
  const [, targetRoom = ''] = target.split('/')
  const stepOf = (name: string) => steps.findIndex(step => step.includes(name))
  // Files beside the rooms (app.ts, config.ts, main.ts) see all; only the command line sees them.
  if (!file.slice(file.indexOf('/') + 1).includes('/')) return undefined
  if (!target.slice(target.indexOf('/') + 1).includes('/')) {
    return room === 'cli' ? undefined : `${file} imports ${target}: rooms do not import the root`
  }
  if (room === targetRoom) return undefined
  if (stepOf(room) === -1) return `${file}: the ladder does not know the room ${room}`
  return stepOf(targetRoom) < stepOf(room)
    ? undefined
    : `${file} imports ${target}: not a lower step of the ladder`
}

describe('the import ladder', () => {
  const folders = ['server', 'client', 'shared', 'migrations']
  const files = folders.flatMap(sourceFiles)

  test('every import goes down', () => {
    const complaints = files
      .filter(file => !isTest(file))
      .flatMap(importsOf)
      .map(complaint)
      .filter(sentence => sentence !== undefined)
    expect(complaints).toEqual([])
  })

  test('the reader finds imports at all', () => {
    expect(files.flatMap(importsOf).length).toBeGreaterThan(100)
  })

  test.each([
    ['server/journal/a.ts', 'server/documents/b.ts'],
    ['server/journal/a.ts', 'server/database/b.ts'],
    ['server/rest/a.ts', 'server/transport/b.ts'],
    ['server/rest/a.ts', 'server/app.ts'],
    ['server/documents/a.ts', 'server/config.ts'],
    ['client/sdk/a.ts', 'client/react/b.ts'],
    ['client/sdk/a.ts', 'server/base/b.ts'],
    ['shared/a.ts', 'server/base/b.ts'],
    ['shared/a.ts', 'node:fs'],
    ['server/rest/a.ts', 'better-sqlite3'],
    ['client/react/a.ts', 'idb'],
    ['server/fanout/a.ts', 'ioredis'],
    ['server/documents/a.ts', 'cockatiel'],
    ['server/transport/y-websocket/a.ts', '@hocuspocus/server'],
  ])('%s may not import %s', (file, target) => {
    expect(complaint({ file, specifier: target, target })).toBeTypeOf('string')
  })

  test.each([
    ['server/documents/a.ts', 'server/journal/b.ts'],
    ['server/app.ts', 'server/rest/b.ts'],
    ['client/react/a.ts', 'client/sdk/b.ts'],
    ['client/sdk/a.ts', 'shared/b.ts'],
    ['server/transport/hocuspocus/a.ts', '@hocuspocus/server'],
  ])('%s may import %s', (file, target) => {
    expect(complaint({ file, specifier: target, target })).toBeUndefined()
  })
})
