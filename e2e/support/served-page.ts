/** Builds a page of the tests, and serves it from an origin that is not the server's. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import reactPlugin from '@vitejs/plugin-react'
import { build, preview, type InlineConfig } from 'vite'
import { projectRoot } from './server-process.ts'

export type ServedPage = {
  readonly url: string
  close(): Promise<void>
}

/** `folder` is one of `e2e/`. In development React mounts twice where it is strict. */
export async function servePage(
  folder: string,
  react: 'development' | 'production' = 'production',
): Promise<ServedPage> {
  const outDir = mkdtempSync(join(tmpdir(), `weft-${folder}-`))
  const options: InlineConfig = {
    configFile: false,
    root: join(projectRoot, 'e2e', folder),
    plugins: [reactPlugin()],
    logLevel: 'error',
    // `weft/client` as it is in the repository, not as it was last built.
    resolve: { conditions: ['weft-source'] },
    define: { 'process.env.NODE_ENV': JSON.stringify(react) },
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
