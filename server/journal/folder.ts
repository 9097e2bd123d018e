/** Folds in a thread of its own, which is started with the first fold and ends with the process. */
import { Worker } from 'node:worker_threads'
import { threadUrl } from '../base/thread-url.ts'
import type { FoldAnswer } from './fold-thread.ts'
import type { Folded, FoldInput } from './fold.ts'

export type Folder = {
  /** Rejects when the entries do not add up, or when the thread died. */
  fold(input: FoldInput): Promise<Folded>
  close(): Promise<void>
}

type Pending = { resolve: (folded: Folded) => void; reject: (error: Error) => void }

export function createFolder(): Folder {
  const pending = new Map<number, Pending>()
  let worker: Worker | undefined
  let nextId = 1

  const fail = (error: Error) => {
    worker = undefined
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
  }

  const start = () => {
    const started = new Worker(threadUrl(import.meta.url, './fold-thread'))
    started.on('message', (answer: FoldAnswer) => {
      const waiting = pending.get(answer.id)
      pending.delete(answer.id)
      if (answer.ok) waiting?.resolve(answer.folded)
      else waiting?.reject(new Error(answer.reason))
    })
    // The next fold starts another thread.
    started.on('error', fail)
    started.on('exit', () => {
      if (worker === started) fail(new Error('the folding thread ended'))
    })
    started.unref()
    return started
  }

  return {
    fold(input) {
      worker ??= start()
      const id = nextId++
      const folding = new Promise<Folded>((resolve, reject) => {
        pending.set(id, { resolve, reject })
      })
      worker.postMessage({ id, ...input })
      return folding
    },
    async close() {
      const ending = worker
      worker = undefined
      await ending?.terminate()
      for (const { reject } of pending.values()) reject(new Error('the folder was closed'))
      pending.clear()
    },
  }
}
