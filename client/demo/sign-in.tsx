/** The first thing a newcomer sees: one sentence, one field, one button. */
import { useState } from 'react'
import { NAME_LENGTH_MAX, isGuestHere } from './profile.ts'

const words = {
  member: {
    title: 'Write together',
    lead: 'A shared workspace on weft. Open it in two windows, cut the network in one of them, and see that nothing is lost.',
    verb: 'Enter the workspace',
  },
  guest: {
    title: 'You are invited',
    lead: 'Somebody has sent you a link to a page. Say who you are, then ask its owner to let you in.',
    verb: 'Go to the page',
  },
} as const

export function SignIn({ onEnter }: { readonly onEnter: (name: string) => void }) {
  const [name, setName] = useState('')
  const isReady = name.trim() !== ''
  const said = isGuestHere() ? words.guest : words.member
  return (
    <main className="sign-in">
      <form
        className="sign-in-card"
        onSubmit={event => {
          event.preventDefault()
          if (isReady) onEnter(name)
        }}
      >
        <img src="/icon.svg" alt="" width={48} height={48} />
        <h1>{said.title}</h1>
        <p>{said.lead}</p>
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          value={name}
          maxLength={NAME_LENGTH_MAX}
          autoComplete="nickname"
          placeholder="How others see you"
          // The page has nothing else to do.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          onChange={event => setName(event.target.value)}
        />
        <button type="submit" className="primary" disabled={!isReady}>
          {said.verb}
        </button>
      </form>
    </main>
  )
}
