/** What the assistant does just now, and what can be done about it. */
import './agent.css'
import { useEffect, useEffectEvent } from 'react'
import { AgentIcon, CloseIcon } from '../icons.tsx'
import { routeTo, type Route } from '../route.ts'
import type { Assistant } from './use-assistant.ts'

export type AssistantBarProps = { readonly assistant: Assistant; readonly route: Route }

/** What it wrote can be taken back for so long; then it is gone. */
const WAITS_MS = 60_000

export function AssistantBar({ assistant, route }: AssistantBarProps) {
  const { state, stop, undo, dismiss } = assistant
  const isWritten = state.kind === 'written'
  const leave = useEffectEvent(dismiss)
  useEffect(() => {
    if (!isWritten) return
    const timer = setTimeout(() => leave(), WAITS_MS)
    return () => clearTimeout(timer)
  }, [isWritten])
  const page = state.kind === 'working' ? state.page : isWritten ? state.result.page : null
  return (
    <>
      {/* There before it says anything: only then what it says is read out. */}
      <output className="visually-hidden">{say(assistant)}</output>
      {state.kind !== 'idle' && (
        <section className="assistant-bar" aria-label="Assistant" data-state={state.kind}>
          <AgentIcon />
          <span className="assistant-words">
            {say(assistant)}{' '}
            {page !== null && page !== route.page && (
              <a href={routeTo({ space: route.space, page })}>See the page</a>
            )}
          </span>
          {state.kind === 'working' && (
            <button type="button" className="outline-button" onClick={stop}>
              Stop
            </button>
          )}
          {isWritten && (
            <button
              type="button"
              className="outline-button"
              onClick={() => {
                // Its own page is gone with what was on it.
                if (state.result.page === route.page && state.result.source !== route.page) {
                  location.hash = routeTo({ ...route, page: state.result.source })
                }
                undo()
              }}
            >
              Undo
            </button>
          )}
          {state.kind !== 'working' && (
            <button type="button" className="quiet-button" aria-label="Dismiss" onClick={dismiss}>
              <CloseIcon />
            </button>
          )}
        </section>
      )}
    </>
  )
}

function say({ state }: Assistant): string {
  switch (state.kind) {
    case 'idle':
      return ''
    case 'working':
      return state.page === null ? 'The assistant is coming…' : 'The assistant is writing…'
    case 'written':
      return state.result.outcome === 'done' ? 'The assistant has written.' : 'Stopped half-way.'
    case 'failed':
      return `The assistant could not: ${state.why}.`
  }
}

const offers = {
  text: 'Summarize',
  board: 'List the notes',
  code: 'List the marks',
} as const

export type AskAssistantProps = {
  readonly assistant: Assistant
  readonly page: string
  readonly kind: keyof typeof offers
}

export function AskAssistant({ assistant, page, kind }: AskAssistantProps) {
  return (
    <button
      type="button"
      className="ask-assistant"
      disabled={assistant.state.kind === 'working'}
      title="A program joins the page, writes, and leaves. You can undo it."
      aria-label={`Ask the assistant: ${offers[kind]}`}
      onClick={() => assistant.ask(page)}
    >
      <AgentIcon />
      <span>{offers[kind]}</span>
    </button>
  )
}
