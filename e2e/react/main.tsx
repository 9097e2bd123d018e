/** A page on `weft/react`, driven by the tests through `weftPage`. */
import {
  Activity,
  Profiler,
  StrictMode,
  Suspense,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import { createRoot } from 'react-dom/client'
import {
  AvatarStack,
  ConnectionBadge,
  DocumentProvider,
  LiveCursors,
  SyncErrorBoundary,
  TypingIndicator,
  WeftProvider,
  useClient,
} from 'weft/react'
import 'weft/react/styles.css'
import { Room } from './room.tsx'
import { countRender, renders } from './renders.ts'
import { SpaceScene } from './space.tsx'
import { Waiting, WaitingAlone } from './waiting.tsx'
import { value } from './wanted.ts'

type Shown = {
  readonly route: string
  readonly isHidden: boolean
  readonly isMounted: boolean
  readonly round: number
}

let shown: Shown = { route: value('name'), isHidden: false, isMounted: true, round: 0 }
const listeners = new Set<() => void>()
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function App() {
  const { route, isHidden, isMounted, round } = useSyncExternalStore(subscribe, () => shown)
  // A function made anew for each render, as applications write it.
  const token = () => Promise.resolve(round >= 0 ? value('token') : '')
  return (
    <WeftProvider url={value('url')} user={value('user')} token={token} offline="indexeddb">
      <Handle />
      <Activity mode={isHidden ? 'hidden' : 'visible'}>
        {isMounted && <Scene route={route} />}
      </Activity>
    </WeftProvider>
  )
}

function Scene({ route }: { readonly route: string }): ReactNode {
  switch (value('scene')) {
    case 'suspense':
      return <Waiting name={route} />
    case 'space':
      return <SpaceScene name={route} />
    case 'alone':
      return (
        <Suspense fallback="loading">
          <WaitingAlone name={route} />
        </Suspense>
      )
    default:
      return <Page route={route} />
  }
}

function Page({ route }: { readonly route: string }) {
  countRender('page')
  return (
    <DocumentProvider name={route} initialPresence={{ status: 'online' }}>
      <main>
        <h1>Board</h1>
        <div className="row">
          <Counted id="avatars">
            <AvatarStack />
          </Counted>
          <ConnectionBadge />
          <TypingIndicator />
        </div>
        <SyncErrorBoundary>
          <Room />
        </SyncErrorBoundary>
        <Counted id="cursors">
          <LiveCursors className="board">
            <p>A place to point at</p>
          </LiveCursors>
        </Counted>
      </main>
    </DocumentProvider>
  )
}

/** Counts the renders of what is within, in development. */
function Counted({ id, children }: { readonly id: string; readonly children: ReactNode }) {
  return (
    <Profiler id={id} onRender={countRender}>
      {children}
    </Profiler>
  )
}

/** The client, for tests that look behind the hooks. */
function Handle() {
  const client = useClient()
  Object.assign(weftPage, { client })
  return null
}

const weftPage = {
  renders,
  show(change: Partial<Shown>) {
    shown = { ...shown, ...change }
    for (const listener of listeners) listener()
  },
  renderAgain() {
    weftPage.show({ round: shown.round + 1 })
  },
}
Object.assign(globalThis, { weftPage })

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
const app = <App />
createRoot(root).render(value('strict') === '0' ? app : <StrictMode>{app}</StrictMode>)
