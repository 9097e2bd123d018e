/** Serves the built pages: files with a hash in their name for ever, everything else anew. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { pagePolicy } from '../edge/safe-headers.ts'
import type { RestEnv } from './rest-env.ts'

export function pageRoutes(pagesDir: string | undefined): Hono<RestEnv> {
  const router = new Hono<RestEnv>()
  if (pagesDir === undefined || !existsSync(join(pagesDir, 'index.html'))) {
    router.get('/', context =>
      context.text('The pages are not built. Run: npm run build:pages\n', 503),
    )
    return router
  }
  router.use(
    '*',
    serveStatic({
      root: pagesDir,
      onFound(path, context) {
        const isHashed = path.includes('/assets/')
        const lifetime = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache'
        context.header('cache-control', lifetime)
        context.header('content-security-policy', pagePolicy)
      },
    }),
  )
  return router
}
