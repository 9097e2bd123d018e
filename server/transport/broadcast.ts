/** One frame for many: encoded once for each format, packed once for all who share it. */
import { pack, type PackedFrame } from './packed-frame.ts'
import type { FrameFormat } from './sync-peer.ts'

export type Receiver<Format = FrameFormat> = {
  readonly format: Format
  send(frame: PackedFrame): void
}

export function broadcast<Format extends { readonly key: string }>(
  receivers: Iterable<Receiver<Format>>,
  encode: (format: Format) => Uint8Array,
): void {
  // Nearly always all share one format: the last frame is looked at before the table.
  const frames = new Map<string, PackedFrame>()
  let lastKey = ''
  let frame: PackedFrame | undefined
  for (const receiver of receivers) {
    const { format } = receiver
    if (format.key !== lastKey) {
      lastKey = format.key
      frame = frames.get(lastKey)
    }
    if (frame === undefined) {
      frame = pack(encode(format))
      frames.set(lastKey, frame)
    }
    receiver.send(frame)
  }
}
