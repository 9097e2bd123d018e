/** A thread that folds: encoding a large document takes long, and the event loop must not wait. */
import { parentPort } from 'node:worker_threads'
import { assert } from '../../shared/assert.ts'
import { fold, type Folded, type FoldInput } from './fold.ts'

export type FoldQuestion = FoldInput & { readonly id: number }
export type FoldAnswer =
  | { readonly id: number; readonly ok: true; readonly folded: Folded }
  | { readonly id: number; readonly ok: false; readonly reason: string }

assert(parentPort !== null, 'the fold thread is started by the folder')
const port = parentPort

port.on('message', (question: FoldQuestion) => {
  const { id } = question
  try {
    const { state: folded, owners } = fold(question)
    const state = Uint8Array.from(folded)
    const answer: FoldAnswer = { id, ok: true, folded: { state, owners } }
    port.postMessage(answer, [state.buffer])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    port.postMessage({ id, ok: false, reason } satisfies FoldAnswer)
  }
})
