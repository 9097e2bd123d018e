/** One page: its title, its text, who is here, and whether it is saved. */
import { useEffect, useEffectEvent, useRef } from 'react'
import {
  AvatarStack,
  useClient,
  useConnectionState,
  useDocument,
  usePresence,
  usePersistence,
  useSaved,
  type DocumentView,
} from '../react/index.ts'
import { AskAssistant, AssistantBar } from './agent/assistant-bar.tsx'
import type { Assistant } from './agent/use-assistant.ts'
import { standingOf, type Standing } from './access/standing.ts'
import { useDoing } from './here/use-doing.ts'
import type { Doing } from './here/use-space-people.ts'
import { CloudOffIcon, NetworkIcon } from './icons.tsx'
import { PageBody } from './page-body.tsx'
import type { Profile } from './profile.ts'
import { SaveBadge } from './save-badge.tsx'
import { routeTo, type Route } from './route.ts'
import { ShareButton } from './share/share-button.tsx'
import { TITLE_LENGTH_MAX, type PageKind } from './space-index.ts'
import { sayPersistence } from './storage-words.ts'

export type PageViewProps = {
  readonly name: string
  readonly route: Route
  readonly kind: PageKind
  readonly title: string
  readonly mayRename: boolean
  readonly onRename: (title: string) => void
  readonly profile: Profile
  readonly assistant: Assistant
  readonly onDoing: (kind: Doing['kind']) => void
  readonly onOpenStorage: () => void
  /** The page was shut, and is open. */
  readonly onOpened: () => void
}

export function PageView(props: PageViewProps) {
  const { route, kind, profile, assistant, onDoing, onOpenStorage, onOpened } = props
  const page = useDocument()
  const save = useSaved(page)
  const standing = standingOf(page, profile.kind === 'guest')
  const awareness = page?.awareness ?? null
  useTellWho(profile)
  useOpened(standing.kind, onOpened)
  const doing = useDoing(page?.doc ?? null)
  const tellDoing = useEffectEvent(onDoing)
  useEffect(() => {
    tellDoing(doing)
    return () => tellDoing('viewing')
  }, [doing])

  return (
    <main className="page" data-kind={kind}>
      <header className="bar">
        <div className="bar-left">
          {page !== null && save !== null && standing.kind !== 'shut' && (
            <SaveBadge save={save} persistence={page.persistence} onOpen={onOpenStorage} />
          )}
        </div>
        {awareness !== null && standing.kind !== 'shut' && (
          <AvatarStack className="people" label="People on this page" />
        )}
        <NetworkSwitch />
      </header>
      <div className="paper">
        <StorageNotice />
        {standing.kind !== 'shut' && <TitleRow {...props} view={page} standing={standing} />}
        <AssistantBar assistant={assistant} route={route} />
        {page !== null && (
          <PageBody kind={kind} view={page} standing={standing} profile={profile} />
        )}
      </div>
    </main>
  )
}

type TitleRowProps = PageViewProps & {
  readonly view: DocumentView | null
  readonly standing: Standing
}

function TitleRow(props: TitleRowProps) {
  const { name, route, kind, title, mayRename, onRename, profile, assistant } = props
  const { view, standing } = props
  return (
    <div className="title-row">
      <h1 className="visually-hidden">{title === '' ? 'Untitled' : title}</h1>
      <input
        className="title"
        aria-label="Page title"
        placeholder="Untitled"
        value={title}
        readOnly={!mayRename}
        maxLength={TITLE_LENGTH_MAX}
        onChange={event => onRename(event.target.value)}
      />
      {/* What makes a page of its own has to be put into the list. */}
      {standing.kind === 'writing' && profile.kind === 'member' && mayRename && (
        <AskAssistant assistant={assistant} page={route.page} kind={kind} />
      )}
      {view !== null && standing.kind !== 'waiting' && (
        <ShareButton
          page={name}
          route={routeTo(route)}
          title={title}
          profile={profile}
          awareness={view.awareness}
        />
      )}
    </div>
  )
}

/** The server says it to others, from the token; to this window nobody does. */
function useTellWho({ id, name, color }: Profile): void {
  const [, tell] = usePresence<{ user: Pick<Profile, 'id' | 'name' | 'color'> }>()
  useEffect(() => tell({ user: { id, name, color } }), [tell, id, name, color])
}

function useOpened(kind: Standing['kind'], onOpened: () => void): void {
  const wasShut = useRef(false)
  const opened = useEffectEvent(onOpened)
  useEffect(() => {
    if (kind === 'shut') wasShut.current = true
    else if (kind !== 'waiting' && wasShut.current) {
      wasShut.current = false
      opened()
    }
  }, [kind])
}

/** Says that this device keeps nothing, and why: before it matters. */
function StorageNotice() {
  const state = usePersistence()
  if (state.kind === 'ok') return null
  return (
    <output className="notice warn">
      {sayPersistence(state).text} Changes are not kept on this device: leave the page open until
      they are saved.
    </output>
  )
}

/** Cuts this window off, for playing with it. */
function NetworkSwitch() {
  const client = useClient()
  const isCut = useConnectionState().kind === 'paused'
  return (
    <button
      type="button"
      className="network"
      aria-pressed={isCut}
      aria-label={isCut ? 'Reconnect' : 'Go offline'}
      title={isCut ? 'Connect this window again' : 'Cut this window off, and go on writing'}
      onClick={() => (isCut ? client.connect() : client.disconnect())}
    >
      {isCut ? <CloudOffIcon /> : <NetworkIcon />}
      <span>{isCut ? 'Reconnect' : 'Go offline'}</span>
    </button>
  )
}
