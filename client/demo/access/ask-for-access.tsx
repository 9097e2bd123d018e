/** Asking for access to a page, and hearing the answer. */
import { useId, useState, type ReactNode } from 'react'
import { sayWish } from '../share/share-words.ts'
import type { Asking, OwnRequest } from './use-own-request.ts'

const REASON_LENGTH_MAX = 300

export type AskForAccessProps = {
  readonly asking: Asking
  /** What can be asked for; the first one unless the person chooses another. */
  readonly roles: readonly string[]
  readonly verb: string
}

export function AskForAccess({ asking, roles, verb }: AskForAccessProps) {
  const { own, ask, cancel } = asking
  const [role, setRole] = useState(roles[0] ?? 'viewer')
  const [reason, setReason] = useState('')
  const why = useId()
  if (own.kind === 'pending') {
    return (
      <Answer>
        <span className="spinner" aria-hidden="true" /> You asked {sayWish(own.view.role)}. An owner
        of the page will answer.{' '}
        <button type="button" className="text-button" onClick={cancel}>
          Take it back
        </button>
      </Answer>
    )
  }
  return (
    <form
      className="ask"
      onSubmit={event => {
        event.preventDefault()
        ask({ role, reason })
      }}
    >
      <Answer>{sayAnswer(own)}</Answer>
      <div className="ask-fields">
        {roles.length > 1 && (
          <select
            className="select"
            aria-label="What you would like"
            value={role}
            onChange={event => setRole(event.target.value)}
          >
            {roles.map(one => (
              <option key={one} value={one}>
                I would like {sayWish(one)}
              </option>
            ))}
          </select>
        )}
        <label className="visually-hidden" htmlFor={why}>
          Why (optional)
        </label>
        <input
          id={why}
          className="field"
          placeholder="Why (optional)"
          maxLength={REASON_LENGTH_MAX}
          value={reason}
          onChange={event => setReason(event.target.value)}
        />
        <button type="submit" className="solid-button">
          {verb}
        </button>
      </div>
    </form>
  )
}

/** Read out when it changes. */
function Answer({ children }: { readonly children: ReactNode }) {
  return <output className="ask-answer">{children}</output>
}

function sayAnswer(own: OwnRequest): string {
  if (own.kind === 'failed') return own.problem
  if (own.kind !== 'answered') return ''
  const { status, decisions } = own.view
  const reason = decisions.at(-1)?.reason ?? null
  switch (status) {
    case 'denied':
      return reason === null ? 'Your last request was denied.' : `Denied: ${reason}`
    case 'expired':
      return 'Nobody answered your last request in time.'
    case 'granted':
    case 'review':
      return 'You were given access.'
    default:
      return ''
  }
}
