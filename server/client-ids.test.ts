/** T10: writing in another's name. Everybody reads everybody's client id; only its owner may use it. */
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { awarenessFrame } from '../shared/frames.ts'
import { documentName } from '../shared/names.ts'
import type { Grant } from '../shared/permissions.ts'
import { rawMember, type RawMember } from './testing/raw-member.ts'
import { stockProvider, type StockClient } from './testing/stock-clients.ts'
import { startTestApp, type TestApp } from './testing/test-app.ts'
import type { Journal } from './journal/journal.ts'
import { temporaryFolder } from './journal/testing/temporary-folder.ts'
import { until } from './testing/until.ts'

const NAME = 'a'

describe('client ids', () => {
  let server: TestApp
  let folder: ReturnType<typeof temporaryFolder>
  let journal: Journal
  let victim: StockClient
  const stocks: StockClient[] = []
  const members: RawMember[] = []
  const open = async (sub: string, document?: Y.Doc) => {
    const token = await server.token(sub)
    const own = document === undefined ? {} : { document }
    const client = stockProvider({ url: server.syncUrl, name: NAME, token, ...own })
    stocks.push(client)
    return client
  }
  const enter = async (grants?: Grant[]) => {
    const given = grants === undefined ? {} : { grants }
    const member = await rawMember(server, { name: NAME, ...given })
    members.push(member)
    return member
  }
  const calm = async ({ provider }: StockClient) =>
    until(() => provider.isSynced && !provider.hasUnsyncedChanges, 'everything acknowledged')

  const start = async (settings: Readonly<Record<string, string>> = {}) => {
    server = await startTestApp({
      dataDir: folder.path,
      settings: { WEFT_DOCUMENT_IDLE_MS: '0', ...settings },
      parts: { wrapJournal: opened => (journal = opened) },
    })
  }
  const restart = async (settings?: Readonly<Record<string, string>>) => {
    await server.stop()
    await start(settings)
  }

  beforeEach(async () => {
    folder = temporaryFolder()
    await start()
    victim = await open('victim')
    victim.text.insert(0, 'mine ')
    await calm(victim)
  })
  afterEach(async () => {
    for (const one of stocks.splice(0)) one.destroy()
    for (const one of members.splice(0)) one.close()
    await server.stop()
    folder.remove()
  })

  /** What the victim would write next, as somebody else says it. */
  const forgery = (doc: Y.Doc) => {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    copy.clientID = doc.clientID
    const before = Y.encodeStateVector(copy)
    copy.getText('text').insert(0, 'EVIL!')
    return Y.encodeStateAsUpdate(copy, before)
  }
  /** The victim leaves, types offline, and comes back after `attack`. */
  const whileAway = async (attack: (update: Uint8Array) => Promise<void>) => {
    const { doc } = victim
    victim.destroy()
    await until(
      async () => (await server.metric('weft_connections')) <= members.length,
      'the victim is gone',
    )
    const update = forgery(doc)
    doc.getText('text').insert(0, 'offline ')
    await attack(update)
    const back = await open('victim', doc)
    await calm(back)
    const joiner = await open('joiner')
    await calm(joiner)
    for (const { text } of [back, joiner]) expect(text.toString()).toBe('offline mine ')
    const stored = await server.fetch(`/v1/documents/${NAME}/content`)
    expect(await stored.json()).toMatchObject({ content: { text: 'offline mine ' } })
  }

  test('[T10] the next change of somebody who is offline, as an update: refused', async () => {
    await whileAway(async update => {
      const mallory = await enter()
      mallory.sendUpdate(update)
      await until(() => mallory.refusals().includes('CLIENT_ID_TAKEN'), 'told')
    })
  })

  test('[T10] the same, as an answer to the server’s question: refused', async () => {
    await whileAway(async update => {
      const mallory = await enter()
      mallory.sendStep2(update)
      await until(() => mallory.refusals().includes('CLIENT_ID_TAKEN'), 'told')
    })
  })

  test('[T10] the same, by a viewer, both ways: refused', async () => {
    await whileAway(async update => {
      const viewer = await enter([{ resource: NAME, role: 'viewer' }])
      viewer.sendUpdate(update)
      viewer.sendStep2(update)
      await until(() => viewer.refusals().filter(code => code === 'FORBIDDEN').length === 2, 'told')
    })
  })

  test('[T10] the same after a restart of the server: refused', async () => {
    await whileAway(async update => {
      await restart()
      const mallory = await enter()
      mallory.sendUpdate(update)
      mallory.sendStep2(update)
      const taken = () => mallory.refusals().filter(code => code === 'CLIENT_ID_TAKEN')
      await until(() => taken().length === 2, 'told')
    })
  })

  test('[T10] the same after a restart, when a snapshot holds all that was written: refused', async () => {
    // One entry is enough for a snapshot, and the next opening makes it.
    await restart({ WEFT_SNAPSHOT_ENTRIES: '1' })
    await whileAway(async update => {
      const reader = await enter()
      const stored = () => journal.open(documentName(NAME))
      await until(async () => (await stored())?.tail.length === 0, 'a snapshot of everything')
      reader.close()
      members.length = 0
      await restart()
      const mallory = await enter()
      mallory.sendUpdate(update)
      await until(() => mallory.refusals().includes('CLIENT_ID_TAKEN'), 'told')
    })
  })

  test('[T10] what the victim typed offline and hands over after a restart is taken', async () => {
    const { doc } = victim
    victim.destroy()
    doc.getText('text').insert(0, 'offline ')
    await restart()
    // As an answer to the server's question, that claims nothing; then as edits, as usual.
    const back = await open('victim', doc)
    await calm(back)
    back.text.insert(0, 'and back ')
    await calm(back)
    const joiner = await open('joiner')
    await calm(joiner)
    expect(joiner.text.toString()).toBe('and back offline mine ')
  })

  test('[T10] whoever hands over what another wrote does not own the id after a restart', async () => {
    const ada = new Y.Doc()
    ada.getText('text').insert(0, 'ada ')
    const carried = new Y.Doc()
    Y.applyUpdate(carried, Y.encodeStateAsUpdate(ada))
    await calm(await open('carrier', carried))
    await restart()
    const back = await open('ada', ada)
    await calm(back)
    back.text.insert(0, 'still ')
    await calm(back)
    for (const part of ['mine ', 'ada ', 'still ']) expect(back.text.toString()).toContain(part)
  })

  test('[T10] a struct that would burn the id for ever: refused', async () => {
    await whileAway(async () => {
      const mallory = await enter()
      for (const length of [2 ** 50, 2 ** 31, 10_000_001, 1_000_000]) {
        const encoder = encoding.createEncoder()
        const clock = 5
        for (const number of [1, 1, victim.doc.clientID, clock]) {
          encoding.writeVarUint(encoder, number)
        }
        encoding.writeUint8(encoder, 0)
        encoding.writeVarUint(encoder, length)
        encoding.writeVarUint(encoder, 0)
        mallory.sendUpdate(encoding.toUint8Array(encoder))
      }
      await until(() => mallory.refusals().length === 4, 'told')
      for (const code of mallory.refusals()) expect(code).toMatch(/UPDATE_INVALID|CLIENT_ID_TAKEN/)
    })
  })

  test('[T10] an id that is shown and was never written under: its owner keeps it', async () => {
    const reader = await open('reader')
    await calm(reader)
    reader.provider.setAwarenessField('user', { name: 'Reader' })
    await until(
      () => victim.provider.awareness?.getStates().has(reader.doc.clientID) === true,
      'shown',
    )
    const mallory = await enter()
    mallory.sendUpdate(forgery(reader.doc))
    await until(() => mallory.refusals().includes('CLIENT_ID_TAKEN'), 'told')
    reader.text.insert(0, 'first ')
    await calm(reader)
    await until(() => victim.text.toString() === 'first mine ', 'the owner’s arrives')
  })

  test('[T10] claiming an id that is somebody else’s by presence: it stays the owner’s', async () => {
    const mallory = await enter()
    const doc = new Y.Doc()
    doc.clientID = victim.doc.clientID
    const awareness = new Awareness(doc)
    awareness.setLocalState({ user: 'mallory' })
    mallory.send(awarenessFrame(NAME, encodeAwarenessUpdate(awareness, [doc.clientID])))
    awareness.destroy()
    victim.text.insert(0, 'still ')
    await calm(victim)
    expect(victim.text.toString()).toBe('still mine ')
  })

  test('[T10] an owner may resend his whole state from another device, and nobody is hurt', async () => {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(victim.doc))
    copy.getText('text').insert(0, 'second device ')
    const second = await open('victim', copy)
    await calm(second)
    await until(() => victim.text.toString() === 'second device mine ', 'it arrives')
  })
})
