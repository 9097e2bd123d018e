/** What a process weighs, from outside. */
import { readFileSync } from 'node:fs'

/** Resident memory in bytes (Linux). */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}

/** Watches a process while `action` runs; resolves with how far it rose above where it began. */
export async function riseOf(pid: number, action: () => Promise<unknown>): Promise<number> {
  const before = residentBytes(pid)
  let highest = before
  const look = () => {
    highest = Math.max(highest, residentBytes(pid))
  }
  const timer = setInterval(look, 20)
  try {
    await action()
    look()
  } finally {
    clearInterval(timer)
  }
  return highest - before
}
