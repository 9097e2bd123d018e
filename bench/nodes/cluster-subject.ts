/** Several servers under measurement, on one Postgres and one Redis: weft's, or the peer's. */
import { fileURLToPath } from 'node:url'
import { testToken, ServerProcess } from '../../e2e/support/server-process.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { cpuMs, startScript, type SubjectName } from '../subject.ts'
import { Services } from './services.ts'

export type ClusterSubject = {
  readonly name: SubjectName
  /** Where Hocuspocus clients connect, a node each. */
  readonly syncUrls: readonly string[]
  readonly token: string
  readonly services: Services
  /** Of all nodes together. */
  cpuMs(): number
  /** Entries of the journal; the peer has none. */
  entries(): Promise<number>
  stop(): Promise<void>
}

type Node = { readonly syncUrl: string; readonly pid: number; stop(): Promise<void> }

export async function startCluster(name: SubjectName, nodes: number): Promise<ClusterSubject> {
  const services = await Services.start()
  const start = name === 'weft' ? startWeftNode : startStockNode
  if (name !== 'weft') {
    await services.query('CREATE TABLE stock_documents (name text PRIMARY KEY, data bytea)')
  }
  const running: Node[] = []
  for (let i = 0; i < nodes; i++) running.push(await start(services))
  return {
    name,
    syncUrls: running.map(({ syncUrl }) => syncUrl),
    token: name === 'weft' ? await testToken('bench', { ttl: 86_400 }) : 'any',
    services,
    cpuMs: () => running.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
    async entries() {
      if (name !== 'weft') return Number.NaN
      const [row] = await services.query('SELECT count(*) AS n FROM entries')
      return Number(row?.['n'])
    },
    async stop() {
      await Promise.all(running.map(node => node.stop()))
      await services.stop()
    },
  }
}

async function startWeftNode(services: Services): Promise<Node> {
  const folder = temporaryFolder()
  const server = await ServerProcess.start({
    dataDir: folder.path,
    settings: {
      WEFT_DATABASE_URL: services.databaseUrl,
      WEFT_REDIS_URL: services.redis.url,
      WEFT_MAX_UNAUTHENTICATED_PER_ADDRESS: '2000',
    },
  })
  return {
    syncUrl: server.syncUrl,
    pid: server.process.pid ?? 0,
    async stop() {
      await server.kill('SIGTERM')
      folder.remove()
    },
  }
}

async function startStockNode(services: Services): Promise<Node> {
  const script = fileURLToPath(new URL('../peers/stock-node.ts', import.meta.url))
  const { child, said } = startScript(script, [`${services.redis.port}`, services.databaseUrl])
  const { url } = await said<{ url: string }>()
  return {
    syncUrl: url.replace('http', 'ws'),
    pid: child.pid ?? 0,
    stop() {
      child.kill('SIGKILL')
      return Promise.resolve()
    },
  }
}
