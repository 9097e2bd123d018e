/** Passes bytes on to a socket, late if need be and never out of order. */
import type { Socket } from 'node:net'

/** The answer takes bytes, and how late they are to be; however many, none waits for another. */
export function lateLine(to: Socket): (bytes: Buffer, lateMs: number) => void {
  const waiting: { readonly bytes: Buffer; readonly dueAt: number }[] = []
  const passDue = () => {
    while (waiting[0] !== undefined && waiting[0].dueAt <= performance.now()) {
      if (!to.destroyed) to.write(waiting[0].bytes)
      waiting.shift()
    }
    const [next] = waiting
    if (next !== undefined) setTimeout(passDue, next.dueAt - performance.now())
  }
  return (bytes, lateMs) => {
    const last = waiting.at(-1)
    if (last === undefined && lateMs === 0) return void to.write(bytes)
    // Also when the way is quick again: what is on it already arrives first.
    waiting.push({ bytes, dueAt: Math.max(last?.dueAt ?? 0, performance.now() + lateMs) })
    if (last === undefined) setTimeout(passDue, lateMs)
  }
}
