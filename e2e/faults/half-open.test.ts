/** F9: the network goes away without a word. Both ends notice by themselves, and it heals. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient, type WeftClient } from '../../client/sdk/index.ts'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { until } from '../../server/testing/until.ts'
import { missing } from '../support/needs.ts'
import { ServerProcess, testToken } from '../support/server-process.ts'
import { twoHosts, type TwoHosts } from '../support/two-hosts.ts'

const reason = missing('half-open connections', { root: true, binaries: ['ip'] })
const LIMIT_MS = 20_000
const rounds = Number(process.env['ROUNDS'] ?? 1)

describe.skipIf(reason !== null)('half-open connections', () => {
  let hosts: TwoHosts
  let server: ServerProcess
  let folder: ReturnType<typeof temporaryFolder>
  const clients: WeftClient[] = []

  beforeEach(async () => {
    hosts = twoHosts()
    folder = temporaryFolder()
    server = await ServerProcess.start({
      dataDir: folder.path,
      under: hosts.onFarHost,
      settings: { WEFT_HOST: '0.0.0.0', WEFT_DEV: '0', WEFT_ORIGINS: 'http://app.example' },
    })
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.kill()
    hosts.remove()
    folder.remove()
  })
  const connect = (sub: string) => {
    const client = createClient({
      url: `http://${hosts.farAddress}:${server.port}`,
      token: () => testToken(sub),
      offline: 'memory',
      WebSocket,
    })
    clients.push(client)
    return client
  }
  /** What the far host itself can see of the server. */
  const sockets = () => server.log.filter(({ msg }) => msg === 'a silent socket is cut').length

  const everyRound = Array.from({ length: rounds }, (_, i) => i + 1)
  test.each(everyRound)(
    '[F9] dead in 20 s at most for both ends, and it heals; round %i',
    async () => {
      const [alice, bob] = [connect('alice'), connect('bob')]
      const [one, two] = [alice.open('a'), bob.open('a')]
      await Promise.all([one.whenSynced(), two.whenSynced()])
      one.awareness.setLocalStateField('user', { name: 'Alice' })
      const seesAlice = () => two.awareness.getStates().has(one.doc.clientID)
      await until(seesAlice, 'bob sees alice')

      hosts.cut()
      const startedAt = performance.now()
      one.doc.getText('t').insert(0, 'made in the dark')
      const since = () => Math.round(performance.now() - startedAt)
      const [clientMs, serverMs] = await Promise.all([
        until(() => !seesAlice() && one.status.kind !== 'live', 'the clients notice', 25_000).then(
          since,
        ),
        until(() => sockets() === 2, 'the server cuts both', 25_000).then(since),
      ])
      process.stdout.write(
        `half-open: clients noticed in ${clientMs} ms, server in ${serverMs} ms\n`,
      )
      expect(Math.max(clientMs, serverMs)).toBeLessThanOrEqual(LIMIT_MS)
      expect(one.state.get().unsaved).toBe(1)

      hosts.restore()
      await Promise.all([one.whenSynced(), one.whenSaved(), two.whenSynced()])
      await until(() => two.doc.getText('t').toString() === 'made in the dark', 'it arrives')
      await until(seesAlice, 'alice is back')
    },
  )
})
