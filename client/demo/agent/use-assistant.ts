/** The assistant of this window: asked, stopped, thanked, or told to take it back. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { WeftClient } from '../../sdk/index.ts'
import { createAgentClient } from './agent-client.ts'
import { runAssistant, type AssistantResult } from './assistant.ts'

export type AssistantState =
  | { readonly kind: 'idle' }
  /** `page`: where it writes; null until it does. */
  | { readonly kind: 'working'; readonly page: string | null }
  | { readonly kind: 'written'; readonly result: AssistantResult }
  | { readonly kind: 'failed'; readonly why: string }

export type Assistant = {
  readonly state: AssistantState
  readonly ask: (page: string) => void
  readonly stop: () => void
  readonly undo: () => void
  readonly dismiss: () => void
}

const IDLE: AssistantState = { kind: 'idle' }

type Run = { readonly client: WeftClient; readonly stop: AbortController }

export function useAssistant(space: string, owner: string): Assistant {
  const [state, setState] = useState<AssistantState>(IDLE)
  const run = useRef<Run | null>(null)

  const end = useCallback(() => {
    run.current?.stop.abort()
    void run.current?.client.close()
    run.current = null
  }, [])
  useEffect(() => end, [end])

  return useMemo(() => {
    const ask = async (page: string) => {
      if (run.current !== null) end()
      const client = createAgentClient({ url: location.origin, space, owner })
      const stop = new AbortController()
      const own: Run = { client, stop }
      run.current = own
      const show = (next: AssistantState) => {
        if (run.current === own) setState(next)
      }
      show({ kind: 'working', page: null })
      try {
        const onWriting = (target: string) => show({ kind: 'working', page: target })
        const order = { client, space, page, signal: stop.signal, onWriting }
        show({ kind: 'written', result: await runAssistant(order) })
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        show(stop.signal.aborted ? IDLE : { kind: 'failed', why })
        if (run.current === own) end()
      }
    }
    const dismiss = () => {
      end()
      setState(IDLE)
    }
    const undo = async () => {
      if (state.kind !== 'written') return
      setState(IDLE)
      await state.result.undo()
      end()
    }
    return {
      state,
      ask: page => void ask(page),
      stop: () => run.current?.stop.abort(),
      undo: () => void undo(),
      dismiss,
    }
  }, [state, space, owner, end])
}
