/** Several components on one space, and one that waits for it. */
import { Suspense, useState } from 'react'
import { shallowEqual, SyncErrorBoundary, typedHooks, type User } from 'weft/react'
import { useSpace as useReadySpace } from 'weft/react/suspense'
import { countRender } from './renders.ts'

type Doing = { readonly viewing: string }

const { useSpace } = typedHooks<Doing, User>()

export function SpaceScene({ name }: { readonly name: string }) {
  const [isIn, setIn] = useState(true)
  return (
    <main>
      <h1>Space</h1>
      <button type="button" onClick={() => setIn(!isIn)}>
        {isIn ? 'Go out' : 'Come in'}
      </button>
      {isIn && (
        <>
          <People name={name} />
          <Count name={name} />
          <SyncErrorBoundary>
            <Suspense fallback={<p>waiting</p>}>
              <Ready name={name} />
            </Suspense>
          </SyncErrorBoundary>
        </>
      )}
    </main>
  )
}

function People({ name }: { readonly name: string }) {
  const { people, others, info, error, connection, setPresence, retry, join, leave } =
    useSpace(name)
  return (
    <section>
      <span data-testid="connection">{connection}</span>
      <span data-testid="people">{people.map(({ user }) => user.name).join(', ')}</span>
      <span data-testid="viewing">{others.map(one => one.presence.viewing).join(', ')}</span>
      <span data-testid="title">{info?.title ?? 'none'}</span>
      <span data-testid="error">{error?.code ?? 'none'}</span>
      <button type="button" onClick={() => setPresence({ viewing: 'board' })}>
        Look at the board
      </button>
      <button type="button" onClick={() => void join().catch(() => {})}>
        Join
      </button>
      <button type="button" onClick={retry}>
        Ask again
      </button>
      <button type="button" onClick={() => void leave().catch(() => {})}>
        Leave
      </button>
    </section>
  )
}

function Count({ name }: { readonly name: string }) {
  countRender('count')
  const ids = useSpace(name, ({ people }) => people.map(({ id }) => id), shallowEqual)
  return <span data-testid="count">{ids.length}</span>
}

function Ready({ name }: { readonly name: string }) {
  const status = useReadySpace(name, space => space.status.kind)
  return <span data-testid="ready">{status}</span>
}
