/** A page of the tests on Vite's development server, whose source changes while it is open. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { createServer } from 'vite'
import { projectRoot } from './server-process.ts'
import type { ServedPage } from './served-page.ts'

export type RefreshedPage = ServedPage & {
  /** As if somebody had saved `file` of the folder, with `from` written as `to`. */
  readonly edit: (file: string, change: { readonly from: string; readonly to: string }) => void
}

/** What browsers cannot load as it is. */
const commonJs = [
  'react',
  'react/jsx-dev-runtime',
  'react/jsx-runtime',
  'react-dom',
  'react-dom/client',
  'use-sync-external-store/with-selector',
]

/** The files themselves stay as they are. */
export async function refreshedPage(folder: string): Promise<RefreshedPage> {
  const root = join(projectRoot, 'e2e', folder)
  const cacheDir = mkdtempSync(join(tmpdir(), `weft-${folder}-`))
  const changes = new Map<string, { readonly from: string; readonly to: string }>()
  const server = await createServer({
    configFile: false,
    root,
    cacheDir,
    logLevel: 'error',
    plugins: [
      {
        name: 'edited',
        enforce: 'pre',
        transform(code, id) {
          const change = changes.get(id)
          return change === undefined ? undefined : code.replaceAll(change.from, change.to)
        },
      },
      react(),
    ],
    resolve: { conditions: ['weft-source'] },
    // Named beforehand: what is found later makes Vite load the page anew.
    optimizeDeps: { noDiscovery: true, include: commonJs },
    server: { host: '127.0.0.1', port: 0, watch: { ignored: ['**/*'] } },
  })
  await server.listen()
  const [url = ''] = server.resolvedUrls?.local ?? []
  return {
    url,
    edit(file, change) {
      const path = join(root, file)
      changes.set(path, change)
      server.watcher.emit('change', path)
    },
    async close() {
      await server.close()
      rmSync(cacheDir, { recursive: true })
    },
  }
}
