/** A client of raw bytes that was let into one document, and says there whatever it likes. */
import * as Y from 'yjs'
import type { Grant } from '../../shared/permissions.ts'
import { messageType, readFrame, syncFrame, syncStep } from '../../shared/frames.ts'
import * as decoding from 'lib0/decoding'
import { rawClient } from './raw-client.ts'
import type { TestApp } from './test-app.ts'
import { until } from './until.ts'

export type RawMember = Awaited<ReturnType<typeof rawMember>>

export async function rawMember(
  server: TestApp,
  { name, sub = 'mallory', grants }: { name: string; sub?: string; grants?: Grant[] },
) {
  const client = await rawClient(server.syncUrl)
  client.authenticate(name, await server.token(sub, grants === undefined ? {} : { grants }))
  client.send(syncFrame(name, syncStep.step1, Uint8Array.of(0)))
  const syncs = () =>
    client.frames
      .filter(bytes => bytes.byteLength > 1)
      .map(readFrame)
      .filter(({ type, address }) => type === messageType.sync && address === name)
      .map(({ decoder }) => {
        const step = decoding.readVarUint(decoder)
        return { step, payload: decoding.readVarUint8Array(decoder) }
      })
  await until(() => syncs().some(({ step }) => step === syncStep.step1), 'let in, and asked')
  const send = (step: 0 | 1 | 2, payload: Uint8Array) => client.send(syncFrame(name, step, payload))
  return {
    ...client,
    get closed() {
      return client.closed
    },
    sendStep1: (vector: Uint8Array) => send(syncStep.step1, vector),
    sendStep2: (update: Uint8Array) => send(syncStep.step2, update),
    sendUpdate: (update: Uint8Array) => send(syncStep.update, update),
    /** Codes of the errors that it was told so far. */
    refusals: () => client.told().flatMap(({ error }) => (error === undefined ? [] : [error.code])),
    /** The document as it was sent to this client. */
    copy() {
      const doc = new Y.Doc()
      for (const { step, payload } of syncs()) {
        if (step !== syncStep.step1) Y.applyUpdate(doc, payload)
      }
      return doc
    },
  }
}
