/** The files of `deploy/` name settings, paths and services that exist, and agree with each other. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { configTable, readConfig } from './config.ts'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string) => readFileSync(path(`deploy/${name}`), 'utf8')

const files = ['nginx.conf', 'Dockerfile', 'compose.yaml', 'weft@.service', 'README.md']
const service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  depends_on: z
    .record(z.string(), z.object({ condition: z.literal('service_healthy') }))
    .optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
})
const compose = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('compose.yaml'), { merge: true }))
const nodes = Object.entries(compose.services).filter(([, { image }]) => image === 'weft')
const seconds = (text: string | undefined) => Number(/^(\d+)s?$/.exec(text ?? '')?.[1])
const directive = (name: string) =>
  new RegExp(`^\\s*${name} (.+);$`, 'm').exec(read('nginx.conf'))?.[1]

test.each(files)('%s names only settings that exist', file => {
  const names = read(file).match(/WEFT_[A-Z_]+/g) ?? []
  for (const name of names) expect(Object.keys(configTable)).toContain(name)
})

describe('compose.yaml', () => {
  test('what a node is told is a valid configuration', () => {
    expect(nodes.length).toBe(2)
    for (const [, { environment = {} }] of nodes) {
      const filled = Object.entries(environment).map(([name, value]) => [
        name,
        value
          .replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
          .replaceAll(
            /\$\{\w+:\?[^}]*\}/g,
            'a secret of 32 characters, or more'.replaceAll(' ', '-'),
          ),
      ])
      const image = { WEFT_HOST: '0.0.0.0' }
      expect(() => readConfig({ ...image, ...Object.fromEntries(filled) })).not.toThrow()
    }
  })

  test('its nodes are those of nginx.conf, and what they wait for can say that it is well', () => {
    const named = [...read('nginx.conf').matchAll(/server (\S+):8080/g)].map(([, name]) => name)
    expect(named).toEqual(nodes.map(([name]) => name))
    for (const { depends_on: waits = {} } of Object.values(compose.services)) {
      for (const name of Object.keys(waits)) {
        const isWeft = nodes.some(([node]) => node === name)
        expect(isWeft || compose.services[name]?.healthcheck !== undefined, name).toBe(true)
      }
    }
  })

  test('the files that it mounts and builds from are there, and volumes are declared', () => {
    for (const { build, volumes = [] } of Object.values(compose.services)) {
      if (build !== undefined) expect(existsSync(path(build.dockerfile))).toBe(true)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        const isThere = source.startsWith('./')
          ? existsSync(path(`deploy/${source}`))
          : source in compose.volumes
        expect(isThere, source).toBe(true)
      }
    }
  })
})

test('nobody stops a node before its drain is over', () => {
  for (const [, { environment, stop_grace_period: grace }] of nodes) {
    expect(seconds(grace) * 1000).toBeGreaterThan(Number(environment?.['WEFT_DRAIN_TIMEOUT_MS']))
  }
  const unit = read('weft@.service')
  const stop = seconds(/^TimeoutStopSec=(.+)$/m.exec(unit)?.[1])
  expect(stop).toBeGreaterThan(seconds(/--drain-timeout (\S+)/.exec(unit)?.[1]))
})

test('nginx is more patient than the ping, and takes what the server takes', () => {
  const { WEFT_PING_INTERVAL_MS: pingMs, WEFT_MAX_FRAME_BYTES: frameBytes } = readConfig({})
  for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) {
    expect(seconds(directive(name)) * 1000).toBeGreaterThan(3 * pingMs)
  }
  expect(Number(directive('client_max_body_size')?.replace('k', '')) * 1024).toBeGreaterThan(
    frameBytes,
  )
})

test('the image starts what the package calls weft, as a user who is not root', () => {
  const { bin, scripts } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as {
    bin: { weft: string }
    scripts: Record<string, string>
  }
  const dockerfile = read('Dockerfile')
  expect(dockerfile).toContain(`CMD ["node", "${bin.weft}", "serve"]`)
  expect(read('weft@.service')).toContain(`/${bin.weft} serve`)
  for (const [, name = ''] of dockerfile.matchAll(/npm run ([a-z:]+)/g)) {
    expect(Object.keys(scripts)).toContain(name)
  }
  expect(dockerfile.lastIndexOf('\nUSER node')).toBeGreaterThan(dockerfile.lastIndexOf('\nFROM '))
  expect(dockerfile).toMatch(/HEALTHCHECK [\s\S]*\/livez/)
})
