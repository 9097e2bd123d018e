/**
 * A short name for all that a document holds: equal digests mean an equal state vector and an equal
 * delete set. Deletions do not move the state vector, so it alone would prove nothing.
 */
import * as Y from 'yjs'

/** Costs a walk over the whole document: milliseconds for large ones. */
export function digestOf(doc: Y.Doc): string {
  return hash(Y.encodeSnapshot(canonical(Y.snapshot(doc))))
}

/** Yjs writes clients in a fixed order; what it merged and what it did not must look the same. */
function canonical(snapshot: Y.Snapshot): Y.Snapshot {
  for (const [client, ranges] of snapshot.ds.clients) {
    const merged: typeof ranges = []
    for (const range of ranges.toSorted((a, b) => a.clock - b.clock)) {
      const last = merged.at(-1)
      if (last !== undefined && last.clock + last.len >= range.clock) {
        last.len = Math.max(last.len, range.clock + range.len - last.clock)
      } else merged.push(range)
    }
    snapshot.ds.clients.set(client, merged)
  }
  return snapshot
}

/** 53 bits of a mixing hash (cyrb53): against chance, not against forgery. */
function hash(bytes: Uint8Array): string {
  let [h1, h2] = [0xdeadbeef, 0x41c6ce57]
  for (const byte of bytes) {
    h1 = Math.imul(h1 ^ byte, 2_654_435_761)
    h2 = Math.imul(h2 ^ byte, 1_597_334_677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2_246_822_507) ^ Math.imul(h2 ^ (h2 >>> 13), 3_266_489_909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2_246_822_507) ^ Math.imul(h1 ^ (h1 >>> 13), 3_266_489_909)
  return `${bytes.byteLength.toString(36)}.${(4_294_967_296 * (2_097_151 & h2) + (h1 >>> 0)).toString(36)}`
}
