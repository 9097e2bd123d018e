/** A server under measurement: weft or a peer, in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { temporaryFolder } from '../server/journal/testing/temporary-folder.ts'
import { ServerProcess, testToken } from '../e2e/support/server-process.ts'

export const subjectNames = ['weft', 'hocuspocus 4.7'] as const
export type SubjectName = (typeof subjectNames)[number]

export type Subject = {
  readonly name: SubjectName
  /** Where Hocuspocus clients connect. */
  readonly syncUrl: string
  readonly token: string
  readonly pid: number
  /** Bytes of document data that it has put into its store so far. */
  storedBytes(): Promise<number>
  stop(): Promise<void>
}

export async function startSubject(name: SubjectName): Promise<Subject> {
  return name === 'weft' ? startWeft() : startHocuspocus()
}

async function startWeft(): Promise<Subject> {
  const folder = temporaryFolder()
  const server = await ServerProcess.start({
    dataDir: folder.path,
    // One user stands for all; how fast documents open, and what one may send, is not what is measured.
    settings: {
      WEFT_LOG_LEVEL: 'info',
      WEFT_MAX_LOADS_PER_SECOND: '1000',
      WEFT_SIGNALS_PER_SECOND: '100000',
    },
  })
  return {
    name: 'weft',
    syncUrl: server.syncUrl,
    token: await testToken('bench', { ttl: 86_400 }),
    pid: server.process.pid ?? 0,
    storedBytes() {
      const database = new Database(join(folder.path, 'weft.sqlite'), { readonly: true })
      const sum = (table: string) =>
        (database.prepare(`SELECT total(length(bytes)) AS n FROM ${table}`).get() as { n: number })
          .n
      // Snapshots that were replaced since are gone from the file, and were written all the same.
      const replaced = database.prepare('SELECT count(*) AS n FROM snapshots').get() as {
        n: number
      }
      const bytes = sum('entries') + sum('snapshots') * Math.max(1, replaced.n / 2)
      database.close()
      return Promise.resolve(bytes)
    },
    async stop() {
      await server.kill('SIGTERM')
      folder.remove()
    },
  }
}

async function startHocuspocus(): Promise<Subject> {
  const folder = temporaryFolder()
  const script = fileURLToPath(new URL('peers/stock-hocuspocus.ts', import.meta.url))
  const { child, said } = startScript(script, ['0', join(folder.path, 'db.sqlite')])
  const { url } = await said<{ url: string }>()
  return {
    name: 'hocuspocus 4.7',
    syncUrl: url.replace('http', 'ws'),
    token: 'any',
    pid: child.pid ?? 0,
    async storedBytes() {
      child.kill('SIGUSR2')
      return (await said<{ storedBytes: number }>()).storedBytes
    },
    stop() {
      child.kill('SIGKILL')
      folder.remove()
      return Promise.resolve()
    },
  }
}

/** A peer in a process of its own; it says where it is, and more, in lines of JSON. */
export function startScript(script: string, args: readonly string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, said: listen(child) }
}

/** The next line of JSON that the process prints. */
function listen(child: ChildProcess) {
  const lines: unknown[] = []
  const waiting: ((line: unknown) => void)[] = []
  if (child.stdout === null) throw new Error('the process has no output')
  createInterface({ input: child.stdout }).on('line', text => {
    if (!text.startsWith('{')) return
    const line: unknown = JSON.parse(text)
    const next = waiting.shift()
    if (next === undefined) lines.push(line)
    else next(line)
  })
  return <Line>() =>
    new Promise<Line>(resolve => {
      const line = lines.shift()
      if (line !== undefined) resolve(line as Line)
      else waiting.push(found => resolve(found as Line))
    })
}

/** CPU time of a process with all its threads, ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  // utime and stime are the 14th and 15th field of the file, in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

/** Bytes that the process made the kernel write to disks. */
export function writtenBytes(pid: number): number {
  return Number(/write_bytes: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0)
}
