/** Builds the page of the editor bindings, and serves it from an origin that is not the server's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, preview, type InlineConfig } from 'vite'
import { projectRoot } from './server-process.ts'

export type BindingsPage = {
  readonly url: string
  close(): Promise<void>
}

export async function serveBindingsPage(): Promise<BindingsPage> {
  const outDir = mkdtempSync(join(tmpdir(), 'weft-bindings-'))
  const options: InlineConfig = {
    configFile: false,
    root: join(projectRoot, 'e2e/bindings'),
    logLevel: 'error',
    // `weft/client` as it is in the repository, not as it was last built.
    resolve: { conditions: ['weft-source'] },
    build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 5_000 },
    preview: { host: '127.0.0.1', port: 0 },
  }
  await build(options)
  const server = await preview(options)
  const [url = ''] = server.resolvedUrls?.local ?? []
  return {
    url,
    async close() {
      await server.close()
      rmSync(outDir, { recursive: true })
    },
  }
}
