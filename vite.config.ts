/** Builds the pages; in development serves them with reload, beside a running server. */
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

const server = `http://127.0.0.1:${process.env['WEFT_PORT'] ?? '8080'}`

export default defineConfig({
  root: 'client/demo',
  plugins: [
    react(),
    // The page itself has to be there without a network, or its offline text could not be shown.
    VitePWA({
      registerType: 'autoUpdate',
      injectRegister: 'script-defer',
      manifest: {
        name: 'weft workspace',
        short_name: 'weft',
        description: 'A workspace that goes on without a network.',
        theme_color: '#3f51d8',
        background_color: '#f6f6f4',
        display: 'standalone',
        icons: [{ src: '/icon.svg', sizes: 'any', type: 'image/svg+xml' }],
      },
      workbox: {
        // From the first visit on: who closes the laptop after it must find the page again.
        clientsClaim: true,
        skipWaiting: true,
        globPatterns: ['**/*.{js,css,html,svg,woff2}'],
        globIgnores: ['**/*-{cyrillic,cyrillic-ext,greek,greek-ext,vietnamese}-*.woff2'],
        navigateFallback: '/index.html',
        navigateFallbackDenylist: [/^\/(v1|y|sync|console|livez|readyz|healthz|metrics)/],
      },
    }),
  ],
  server: {
    proxy: {
      '/v1': server,
      '/sync': { target: server, ws: true },
      '/y': { target: server, ws: true },
    },
  },
  build: {
    outDir: '../../dist/pages',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
  },
})
