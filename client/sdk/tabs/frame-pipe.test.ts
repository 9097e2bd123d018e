/** Between two tabs nothing is lost in silence, and nothing piles up. */
import { expect, test } from 'vitest'
import type { ChannelLike } from './environment.ts'
import { FramePipe, PIPE_BYTES_MAX, type PipeListener } from './frame-pipe.ts'

function pipe(listener: Partial<PipeListener> = {}) {
  const posted: unknown[] = []
  const channel: ChannelLike = {
    onmessage: null,
    postMessage: message => void posted.push(message),
    close() {},
  }
  const heard = (data: unknown) => channel.onmessage?.({ data } as MessageEvent)
  const nothing = () => {}
  const events = { onFrame: nothing, onMessage: nothing, onBroken: nothing, ...listener }
  return { pipe: new FramePipe(channel, events), posted, heard }
}

test('with too much not taken yet nothing more is sent, until it is taken', () => {
  const { pipe: out, posted, heard } = pipe()
  const frame = new Uint8Array(1 << 20)
  // One frame may be larger than all that may wait.
  expect(out.send(new Uint8Array(PIPE_BYTES_MAX + 1))).toBe(true)
  expect(out.send(frame)).toBe(false)
  expect(posted).toHaveLength(1)
  heard({ type: 'beat', took: PIPE_BYTES_MAX + 1 })
  expect(out.send(frame)).toBe(true)
})

test('who takes much says so without being asked', () => {
  const { posted, heard } = pipe()
  heard({ type: 'frame', number: 1, bytes: new Uint8Array(100) })
  expect(posted).toEqual([])
  heard({ type: 'frame', number: 2, bytes: new Uint8Array(300_000) })
  expect(posted).toEqual([{ type: 'beat', took: 300_100 }])
})

test('after a gap no frame is taken any more', () => {
  const taken: number[] = []
  let broken = 0
  const { heard } = pipe({
    onFrame: frame => void taken.push(frame.byteLength),
    onBroken: () => void (broken += 1),
  })
  heard({ type: 'frame', number: 1, bytes: new Uint8Array(1) })
  heard({ type: 'frame', number: 3, bytes: new Uint8Array(3) })
  heard({ type: 'frame', number: 4, bytes: new Uint8Array(4) })
  expect(taken).toEqual([1])
  expect(broken).toBeGreaterThan(0)
})

test('what another version of the page says is passed over; a view is sent without its buffer', () => {
  const { pipe: out, posted, heard } = pipe()
  for (const data of [null, 'x', { type: 'later' }, { type: 'frame', number: 1 }]) heard(data)
  out.send(new Uint8Array(1_000).subarray(10, 20))
  const [message] = posted as { readonly bytes: Uint8Array }[]
  expect(message?.bytes.buffer.byteLength).toBe(10)
})
