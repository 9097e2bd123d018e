/** Spaces by weft's own client: present, told why not, in again by itself; and the user's own document. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient, type ClientOptions, type WeftClient } from '../client/sdk/index.ts'
import { MemoryStore } from '../client/sdk/offline/memory-store.ts'
import type { Grant } from '../shared/permissions.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import { until } from './testing/until.ts'

type States = { getStates(): Map<number, Readonly<Record<string, unknown>>> }

const told = (awareness: States, field: string): readonly unknown[] =>
  Array.from(awareness.getStates().values(), state => state[field])

const editor: Grant[] = [{ resource: 'acme/**', role: 'editor' }]

describe('spaces by the client', () => {
  let server: TestApp
  const clients: WeftClient[] = []
  const connect = (user: string, grants: Grant[] = [], more: Partial<ClientOptions> = {}) => {
    const token = () => server.token(user, { grants })
    const client = createClient({ url: server.url, token, user, offline: 'memory', ...more })
    clients.push(client)
    return client
  }

  beforeEach(async () => {
    server = await startTestApp()
  })
  afterEach(async () => {
    await Promise.all(clients.splice(0).map(client => client.close()))
    await server.stop()
  })

  test('[S1] present, listed, joined and left', async () => {
    const [ada, bob] = [connect('ada', editor), connect('bob')]
    await ada.spaces.create('acme/plan', { title: 'Plan', joining: 'open', maxSize: 5 })
    const space = ada.space('acme/plan')
    await space.handle.whenSynced()
    const theirs = bob.space('acme/plan')
    await until(() => theirs.status.kind === 'refused', 'not a member')
    expect(await theirs.join()).toEqual({ role: 'viewer' })
    await theirs.handle.whenSynced()
    space.awareness.setLocalStateField('viewing', 'board')
    const viewing = () => told(theirs.awareness, 'viewing')
    await until(() => viewing().includes('board'), 'seen')
    expect(await space.info()).toMatchObject({ title: 'Plan', memberCount: 2, presentCount: 2 })
    expect((await bob.spaces.list()).spaces.map(({ name }) => name)).toEqual(['acme/plan'])
    expect((await space.members()).members).toMatchObject([
      { user: 'ada', role: 'owner', present: true },
      { user: 'bob', role: 'viewer', present: true },
    ])
    await theirs.leave()
    await until(() => theirs.status.kind === 'refused', 'out')
    expect((await bob.spaces.list()).spaces).toEqual([])
  })

  test('[S1] signals of a space, by its people and by programs; once it is open again, one asks anew', async () => {
    const [ada, bob] = [connect('ada', editor), connect('bob', editor)]
    await ada.spaces.create('acme/plan')
    const [space, theirs] = [ada.space('acme/plan'), bob.space('acme/plan')]
    await expect(space.signal('wave')).rejects.toMatchObject({ retryable: true })
    await Promise.all([space.whenPresent(), theirs.whenPresent()])
    const heard: unknown[] = []
    theirs.onSignal('*', ({ type, from }) => heard.push([type, from.id]))
    expect(await space.signal('wave')).toMatchObject({ receivers: 1 })
    await expect(space.signal('a b')).rejects.toThrow('must be words of')
    const bot = await server.token('bot', { grants: editor })
    const sent = await fetch(`${server.url}/v1/signals`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bot}`, 'content-type': 'application/json' },
      body: JSON.stringify({ to: { space: 'acme/plan' }, type: 'ring' }),
    })
    expect(await sent.json()).toMatchObject({ receivers: 2 })
    await until(() => heard.length === 2, 'both')
    expect(heard).toEqual([
      ['wave', 'ada'],
      ['ring', 'bot'],
    ])
    await ada.spaces.change('acme/plan', { closed: true })
    await until(() => theirs.status.kind === 'refused', 'closed')
    await ada.spaces.change('acme/plan', { closed: false })
    theirs.retry()
    await theirs.whenPresent()
  })

  test('[S4] a full space is tried again, and nothing else of this client is hurt', async () => {
    const [ada, bob] = [connect('ada', editor), connect('bob', editor)]
    await ada.spaces.create('acme/plan', { maxSize: 1 })
    const space = ada.space('acme/plan')
    await space.handle.whenSynced()
    const notes = bob.open('acme/notes')
    const theirs = bob.space('acme/plan')
    await until(() => theirs.status.kind === 'blocked', 'full')
    expect(theirs.status).toMatchObject({ error: { code: 'SPACE_FULL', retryable: true } })
    notes.doc.getText('t').insert(0, 'as always')
    await notes.whenSaved()
    space.close()
    await until(() => theirs.status.kind === 'live', 'by itself', 15_000)
  })

  test('[S9] the own document is on all devices, and kept; a space leaves nothing on the device', async () => {
    const store = new MemoryStore()
    const laptop = connect('ada', editor, { offline: store, device: 'l', deviceName: 'Laptop' })
    const phone = connect('ada', editor, { device: 'p' })
    const own = laptop.userDocument()
    own.doc.getMap('settings').set('theme', 'dark')
    await own.whenSaved()
    const other = phone.userDocument()
    await other.whenSynced()
    expect(other.doc.getMap('settings').get('theme')).toBe('dark')
    own.awareness.setLocalStateField('viewing', 'settings')
    const from = () => told(other.awareness, 'device')
    await until(() => from().some(device => device !== undefined), 'seen')
    expect(from()).toContainEqual({ id: 'l', name: 'Laptop' })
    expect(await laptop.spaces.devices('ada')).toMatchObject([
      { id: 'l', name: 'Laptop', documents: ['~user/ada'] },
      { id: 'p', documents: ['~user/ada'] },
    ])
    await laptop.space('acme/plan').handle.whenSynced()
    await laptop.close()
    expect((await store.list()).map(({ name }) => name)).toEqual(['~user/ada'])
  })

  test('without knowing who it is for there is no such document', () => {
    const token = 'none'
    const client = createClient({ url: server.url, token, offline: 'memory' })
    clients.push(client)
    expect(() => client.userDocument()).toThrow('option `user`')
  })
})
