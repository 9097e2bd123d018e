/** Leaving this device: nothing stays on it, and nothing unsent is dropped unasked. */
import { useState } from 'react'
import { useClient } from '../react/index.ts'
import { UnsentChangesError, type UnsentDocument } from '../sdk/index.ts'

export type SignOutProps = { readonly titleOf: (name: string) => string }

export function SignOut({ titleOf }: SignOutProps) {
  const client = useClient()
  const [unsent, setUnsent] = useState<readonly UnsentDocument[] | null>(null)
  const signOut = async (force: boolean) => {
    try {
      await client.signOut({ force })
    } catch (error) {
      if (error instanceof UnsentChangesError) setUnsent(error.documents)
      // Otherwise the browser has not confirmed the deletion, and finishes it by itself.
    }
  }
  if (unsent === null) {
    return (
      <button type="button" className="outline-button" onClick={() => void signOut(false)}>
        Sign out and clear this device
      </button>
    )
  }
  return (
    <div
      className="last-word"
      role="alert"
      ref={element => element?.scrollIntoView({ block: 'nearest' })}
    >
      <p>
        The server does not have all changes of{' '}
        <b>{unsent.map(({ name, unsent: count }) => `${titleOf(name)} (${count})`).join(', ')}</b>.
        They would be lost.
      </p>
      <div className="last-word-buttons">
        <button type="button" className="outline-button" onClick={() => setUnsent(null)}>
          Stay
        </button>
        <button type="button" className="danger-button" onClick={() => void signOut(true)}>
          Sign out and lose them
        </button>
      </div>
    </div>
  )
}
