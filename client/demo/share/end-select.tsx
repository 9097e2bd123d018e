/** Until when: never, after a while, or at a date. */
import { useState } from 'react'
import { durations, sayEnd } from './share-words.ts'

export type EndSelectProps = {
  readonly label: string
  /** Ms since 1970; null: without an end. */
  readonly value: number | null
  readonly disabled: boolean
  readonly onChange: (end: number | null) => void
}

/** `set`: the end that is there, as it is. */
type Choice = 'none' | 'set' | 'date' | (typeof durations)[number]['name']

export function EndSelect({ label, value, disabled, onChange }: EndSelectProps) {
  const [isDating, setDating] = useState(false)
  // To say a time of today as a time.
  const [now] = useState(() => Date.now())
  const choose = (choice: Choice) => {
    setDating(choice === 'date')
    if (choice === 'none') onChange(null)
    const duration = durations.find(({ name }) => name === choice)
    if (duration !== undefined) onChange(Date.now() + duration.ms)
  }
  const shown: Choice = isDating ? 'date' : value === null ? 'none' : 'set'
  return (
    <>
      <select
        className="select select-end"
        aria-label={label}
        value={shown}
        disabled={disabled}
        onChange={event => choose(event.target.value as Choice)}
      >
        {value !== null && <option value="set">{sayEnd(value, now)}</option>}
        <option value="none">No end</option>
        {durations.map(({ name }) => (
          <option key={name} value={name}>
            For {name}
          </option>
        ))}
        <option value="date">Until a date…</option>
      </select>
      {isDating && <EndDate label={label} disabled={disabled} onChange={onChange} />}
    </>
  )
}

type EndDateProps = Omit<EndSelectProps, 'value'>

function EndDate({ label, disabled, onChange }: EndDateProps) {
  const [text, setText] = useState('')
  const [isPast, setPast] = useState(false)
  // Left, not typed: a date is wrong for as long as it is being written.
  const leave = () => {
    const end = Date.parse(text)
    setPast(end <= Date.now())
    if (end > Date.now()) onChange(end)
  }
  return (
    <input
      type="datetime-local"
      className="select end-date"
      aria-label={`${label}: date`}
      aria-invalid={isPast}
      value={text}
      disabled={disabled}
      onChange={event => setText(event.target.value)}
      onBlur={leave}
      onKeyDown={event => {
        if (event.key === 'Enter') leave()
      }}
    />
  )
}
