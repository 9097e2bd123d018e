import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import * as fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import { readSyncMessage, writeSyncStep1, writeSyncStep2, writeUpdate } from 'y-protocols/sync'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  authType,
  awarenessFrame,
  closeFrame,
  messageType,
  nameOfAddress,
  permissionDeniedFrame,
  pingFrame,
  pongFrame,
  readFrame,
  readSyncStatus,
  readTokenMessage,
  readdress,
  statelessFrame,
  syncFrame,
  syncStatusFrame,
  syncStep,
  tokenFrame,
  type Frame,
} from './frames.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** Reads a frame, and says whether the reader took all of it. */
function read<T>(bytes: Uint8Array, payload: (frame: Frame) => T) {
  const frame = readFrame(bytes)
  const value = payload(frame)
  const { address, type, decoder } = frame
  return { address, type, value, isReadWhole: !decoding.hasContent(decoder) }
}

describe(`frames read back, SEED=${seed}`, () => {
  // Graphemes: half a character cannot be written in UTF-8 by anybody.
  const text = fc.string({ unit: 'grapheme' })
  const address = fc.oneof(
    text,
    fc.tuple(text, text).map(parts => parts.join('\0')),
  )
  const bytes = fc.uint8Array({ maxLength: 300 })
  const check = { seed, numRuns: 200 }

  test('sync', () => {
    const step = fc.constantFrom(...Object.values(syncStep))
    fc.assert(
      fc.property(address, step, bytes, (to, kind, payload) => {
        const result = read(syncFrame(to, kind, payload), ({ decoder }) => ({
          step: decoding.readVarUint(decoder),
          payload: decoding.readVarUint8Array(decoder),
        }))
        expect(result).toEqual({
          address: to,
          type: messageType.sync,
          value: { step: kind, payload },
          isReadWhole: true,
        })
      }),
      check,
    )
  })

  test('awareness', () => {
    fc.assert(
      fc.property(address, bytes, (to, payload) => {
        const result = read(awarenessFrame(to, payload), ({ decoder }) =>
          decoding.readVarUint8Array(decoder),
        )
        expect(result).toEqual({
          address: to,
          type: messageType.awareness,
          value: payload,
          isReadWhole: true,
        })
      }),
      check,
    )
  })

  test('status', () => {
    const status = fc.record({
      saved: fc.boolean(),
      count: fc.maxSafeNat(),
      seq: fc.maxSafeNat(),
      total: fc.maxSafeNat(),
    })
    fc.assert(
      fc.property(address, status, (to, given) => {
        const result = read(syncStatusFrame(to, given), ({ decoder }) => readSyncStatus(decoder))
        expect(result).toEqual({
          address: to,
          type: messageType.syncStatus,
          value: given,
          isReadWhole: true,
        })
      }),
      check,
    )
  })

  test('stateless, close and refusal', () => {
    fc.assert(
      fc.property(address, text, (to, said) => {
        const readText = ({ decoder }: Frame) => decoding.readVarString(decoder)
        const ends = { address: to, value: said, isReadWhole: true }
        expect(read(statelessFrame(to, said), readText)).toEqual({
          ...ends,
          type: messageType.stateless,
        })
        expect(read(closeFrame(to, said), readText)).toEqual({ ...ends, type: messageType.close })
        const refusal = read(permissionDeniedFrame(to, said), frame => {
          expect(decoding.readVarUint(frame.decoder)).toBe(authType.permissionDenied)
          return readText(frame)
        })
        expect(refusal).toEqual({ ...ends, type: messageType.auth })
      }),
      check,
    )
  })

  test('token', () => {
    fc.assert(
      fc.property(
        address,
        fc.record({ token: text, version: text, hello: text }),
        (to, message) => {
          const result = read(tokenFrame(to, message), ({ decoder }) => readTokenMessage(decoder))
          expect(result).toEqual({
            address: to,
            type: messageType.auth,
            value: message,
            isReadWhole: true,
          })
        },
      ),
      check,
    )
  })

  test('another address, the same payload', () => {
    fc.assert(
      fc.property(address, address, bytes, (from, to, payload) => {
        const frame = readFrame(syncFrame(from, syncStep.update, payload))
        expect(readdress(frame, to)).toEqual(syncFrame(to, syncStep.update, payload))
      }),
      check,
    )
  })

  test('the name in an address ends at its first NUL', () => {
    const name = text.filter(one => !one.includes('\0'))
    fc.assert(
      fc.property(name, text, (one, session) => {
        expect(nameOfAddress(one)).toBe(one)
        expect(nameOfAddress(`${one}\0${session}`)).toBe(one)
      }),
      check,
    )
  })

  test('a frame that is cut anywhere in its head throws', () => {
    const whole = syncFrame('acme/plan', syncStep.update, Uint8Array.of(1, 2, 3))
    const headBytes = 'acme/plan'.length + 2
    for (let length = 0; length < headBytes; length++) {
      expect(() => readFrame(whole.subarray(0, length))).toThrow()
    }
    expect(readFrame(whole.subarray(0, headBytes)).address).toBe('acme/plan')
  })

  test('any bytes are a frame or throw, and nothing else happens', () => {
    fc.assert(
      fc.property(bytes, given => {
        let frame: Frame
        try {
          frame = readFrame(given)
        } catch {
          // Refused, as it should be; the caller makes a FRAME_INVALID of it.
          return
        }
        expect(frame.address).toBeTypeOf('string')
        expect(frame.type).toBeGreaterThanOrEqual(0)
      }),
      { seed, numRuns: 2000 },
    )
  })
})

describe('bytes of the stock packages, made by hand', () => {
  /** A frame as the classes in `OutgoingMessages/` of the stock provider write it. */
  const stock = (type: number, write: (encoder: encoding.Encoder) => void = () => {}) => {
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, 'acme/plan')
    encoding.writeVarUint(encoder, type)
    write(encoder)
    return encoding.toUint8Array(encoder)
  }
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'hello')
  const update = Y.encodeStateAsUpdate(doc)

  test('the numbers are those of the Hocuspocus v4 protocol', () => {
    expect(messageType).toEqual({
      sync: 0,
      awareness: 1,
      auth: 2,
      queryAwareness: 3,
      syncReply: 4,
      stateless: 5,
      broadcastStateless: 6,
      close: 7,
      syncStatus: 8,
      ping: 9,
      pong: 10,
    })
    expect(syncStep).toEqual({ step1: 0, step2: 1, update: 2 })
    expect(authType).toEqual({ token: 0, permissionDenied: 1, authenticated: 2 })
    expect([...pingFrame, ...pongFrame]).toEqual([9, 10])
  })

  test('sync frames are those of y-protocols', () => {
    expect(syncFrame('acme/plan', syncStep.step1, Y.encodeStateVector(doc))).toEqual(
      stock(0, encoder => writeSyncStep1(encoder, doc)),
    )
    expect(syncFrame('acme/plan', syncStep.step2, update)).toEqual(
      stock(0, encoder => writeSyncStep2(encoder, doc)),
    )
    expect(syncFrame('acme/plan', syncStep.update, update)).toEqual(
      stock(0, encoder => writeUpdate(encoder, update)),
    )
  })

  test('text frames are a text behind the head', () => {
    const text = (said: string) => (encoder: encoding.Encoder) =>
      encoding.writeVarString(encoder, said)
    expect(statelessFrame('acme/plan', 'hé')).toEqual(stock(5, text('hé')))
    expect(closeFrame('acme/plan', 'bye')).toEqual(stock(7, text('bye')))
    expect(permissionDeniedFrame('acme/plan', 'no')).toEqual(
      stock(2, encoder => {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarString(encoder, 'no')
      }),
    )
  })

  test('a token without a version, and one without a hello', () => {
    const token = (...texts: string[]) =>
      stock(2, encoder => {
        encoding.writeVarUint(encoder, 0)
        for (const text of texts) encoding.writeVarString(encoder, text)
      })
    const message = (bytes: Uint8Array) => readTokenMessage(readFrame(bytes).decoder)
    expect(message(token('secret'))).toEqual({ token: 'secret', version: '', hello: '' })
    expect(message(token('secret', '4.8.0'))).toEqual({
      token: 'secret',
      version: '4.8.0',
      hello: '',
    })
    expect(tokenFrame('acme/plan', { token: 'secret', version: '4.8.0', hello: '{}' })).toEqual(
      token('secret', '4.8.0', '{}'),
    )
    expect(message(permissionDeniedFrame('acme/plan', 'no'))).toBeUndefined()
  })

  test.each([true, false])('a stock status, saved: %s, speaks for one update', saved => {
    const frame = stock(8, encoder => encoding.writeVarUint(encoder, saved ? 1 : 0))
    expect(readSyncStatus(readFrame(frame).decoder)).toEqual({ saved, count: 1, seq: 0, total: 0 })
  })

  test.each([true, false])('a status of ours, saved: %s, begins like a stock one', saved => {
    const { decoder } = readFrame(
      syncStatusFrame('acme/plan', { saved, count: 300, seq: 70_000, total: 7 }),
    )
    // The stock provider reads it with the signed reader.
    expect(decoding.readVarInt(decoder) === 1).toBe(saved)
  })
})

/** Stands in for the network below a stock provider: keeps what is sent, and hands frames in. */
class FakeSocket {
  static sockets: FakeSocket[] = []
  readonly readyState = 1
  readonly sent: Uint8Array[] = []
  readonly #handlers = new Map<string, (event: object) => void>()
  #told: (() => void) | undefined

  constructor() {
    FakeSocket.sockets.push(this)
  }

  addEventListener(type: string, handler: (event: object) => void): void {
    this.#handlers.set(type, handler)
  }

  removeEventListener(type: string): void {
    this.#handlers.delete(type)
  }

  send(frame: Uint8Array): void {
    this.sent.push(frame)
    this.#told?.()
  }

  close(): void {
    // Nothing is open.
  }

  open(): void {
    this.#handlers.get('open')?.({})
  }

  receive(frame: Uint8Array): void {
    this.#handlers.get('message')?.({ data: frame })
  }

  /** The first frame of this type, as soon as it was sent. */
  async first(type: number): Promise<Frame> {
    for (;;) {
      const frame = this.sent.map(readFrame).find(one => one.type === type)
      if (frame !== undefined) return frame
      await new Promise<void>(resolve => (this.#told = resolve))
    }
  }
}

describe('the stock provider', () => {
  let socket: FakeSocket
  let websocketProvider: HocuspocusProviderWebsocket
  let provider: HocuspocusProvider
  const events: unknown[] = []

  beforeEach(async () => {
    events.length = 0
    FakeSocket.sockets.length = 0
    websocketProvider = new HocuspocusProviderWebsocket({
      url: 'ws://nowhere.invalid',
      WebSocketPolyfill: FakeSocket,
    })
    provider = new HocuspocusProvider({
      websocketProvider,
      name: 'acme/plan',
      token: 'secret',
      document: new Y.Doc(),
      sessionAwareness: true,
      onStateless: ({ payload }) => void events.push(['stateless', payload]),
      onAuthenticationFailed: ({ reason }) => void events.push(['refused', reason]),
      onClose: ({ event }) => void events.push(['close', event.reason]),
    })
    provider.attach()
    while (FakeSocket.sockets.length === 0) await new Promise(resolve => setImmediate(resolve))
    socket = FakeSocket.sockets[0]!
    socket.open()
    await socket.first(messageType.sync)
  })
  afterEach(() => {
    provider.destroy()
    websocketProvider.destroy()
  })

  const address = () => provider.effectiveName

  test('its address carries the name', async () => {
    const frame = await socket.first(messageType.auth)
    expect(frame.address).toBe(`acme/plan\0${provider.sessionId}`)
    expect(nameOfAddress(frame.address)).toBe('acme/plan')
  })

  test('its token is read, and it brings no hello', async () => {
    const message = readTokenMessage((await socket.first(messageType.auth)).decoder)
    expect(message).toMatchObject({ token: 'secret', hello: '' })
    expect(message?.version).toMatch(/^\d+\.\d+\.\d+/)
  })

  test('its sync steps, updates and presence are read', async () => {
    const step1 = (await socket.first(messageType.sync)).decoder
    expect(decoding.readVarUint(step1)).toBe(syncStep.step1)
    expect(decoding.readVarUint8Array(step1)).toEqual(Y.encodeStateVector(provider.document))

    provider.document.getText('text').insert(0, 'hello')
    const update = readFrame(socket.sent.at(-1)!).decoder
    expect(decoding.readVarUint(update)).toBe(syncStep.update)
    const copy = new Y.Doc()
    Y.applyUpdate(copy, decoding.readVarUint8Array(update))
    expect(copy.getText('text').toString()).toBe('hello')

    provider.setAwarenessField('user', { name: 'Alice' })
    const peer = new Awareness(new Y.Doc())
    const { decoder } = readFrame(socket.sent.at(-1)!)
    applyAwarenessUpdate(peer, decoding.readVarUint8Array(decoder), 'test')
    expect(peer.getStates().get(provider.document.clientID)).toEqual({ user: { name: 'Alice' } })
    peer.destroy()
  })

  test('its stateless messages and its goodbye are read', () => {
    provider.sendStateless('hé')
    const frame = readFrame(socket.sent.at(-1)!)
    expect(frame.type).toBe(messageType.stateless)
    expect(decoding.readVarString(frame.decoder)).toBe('hé')
    provider.detach()
    expect(readFrame(socket.sent.at(-1)!).type).toBe(messageType.close)
  })

  test('it understands our sync frames, and answers a question', () => {
    const ours = new Y.Doc()
    ours.getText('text').insert(0, 'from the server')
    socket.receive(syncFrame(address(), syncStep.step2, Y.encodeStateAsUpdate(ours)))
    expect(provider.document.getText('text').toString()).toBe('from the server')
    expect(provider.isSynced).toBe(true)

    provider.document.getText('text').insert(0, 'hello ')
    socket.receive(syncFrame(address(), syncStep.step1, Y.encodeStateVector(ours)))
    const { decoder } = readFrame(socket.sent.at(-1)!)
    const answer = encoding.createEncoder()
    expect(readSyncMessage(decoder, answer, ours, 'test')).toBe(syncStep.step2)
    expect(ours.getText('text').toString()).toBe('hello from the server')
  })

  test('it counts our answers, refused ones not', () => {
    expect(provider.unsyncedChanges).toBe(1)
    socket.receive(syncStatusFrame(address(), { saved: false, count: 1, seq: 70_000, total: 1 }))
    expect(provider.unsyncedChanges).toBe(1)
    socket.receive(syncStatusFrame(address(), { saved: true, count: 1, seq: 70_000, total: 2 }))
    expect(provider.unsyncedChanges).toBe(0)
  })

  test('it understands our presence, messages, refusals and closes', () => {
    const peer = new Awareness(new Y.Doc())
    peer.setLocalState({ user: { name: 'Bob' } })
    socket.receive(awarenessFrame(address(), encodeAwarenessUpdate(peer, [peer.clientID])))
    expect(provider.awareness?.getStates().get(peer.clientID)).toEqual({ user: { name: 'Bob' } })
    peer.destroy()

    socket.receive(statelessFrame(address(), '{"type":"weft.saving","state":"ok"}'))
    socket.receive(permissionDeniedFrame(address(), 'FORBIDDEN'))
    socket.receive(closeFrame(address(), 'DOCUMENT_DELETED'))
    expect(events).toEqual([
      ['stateless', '{"type":"weft.saving","state":"ok"}'],
      ['refused', 'FORBIDDEN'],
      ['close', 'DOCUMENT_DELETED'],
    ])
  })

  test('it answers our ping with one byte, and takes our pong', () => {
    socket.receive(pingFrame)
    expect(socket.sent.at(-1)).toEqual(pongFrame)
  })

  test('a frame for another address is not its own', () => {
    socket.receive(statelessFrame('acme/plan', 'for somebody else'))
    socket.receive(readdress(readFrame(statelessFrame('acme/plan', 'for it')), address()))
    expect(events).toEqual([['stateless', 'for it']])
  })
})
