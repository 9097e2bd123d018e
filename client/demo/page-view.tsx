/** One page: its title, its text, who is here, and whether it is saved. */
import { useEffect } from 'react'
import { useClient, useConnection, useDocument, usePersistence, useSaved } from '../react/index.ts'
import { CloudOffIcon, NetworkIcon } from './icons.tsx'
import { PageEditor } from './page-editor.tsx'
import { People } from './people.tsx'
import type { Profile } from './profile.ts'
import { SaveBadge } from './save-badge.tsx'
import { TITLE_LENGTH_MAX } from './space-index.ts'
import { sayPersistence } from './storage-words.ts'

export type PageViewProps = {
  readonly name: string
  readonly title: string
  readonly onRename: (title: string) => void
  readonly profile: Profile
  readonly onOpenStorage: () => void
}

export function PageView({ name, title, onRename, profile, onOpenStorage }: PageViewProps) {
  const page = useDocument(name)
  const save = useSaved(page)
  const awareness = page?.awareness ?? null
  useEffect(() => {
    awareness?.setLocalStateField('user', { name: profile.name, color: profile.color })
  }, [awareness, profile])

  return (
    <main className="page">
      <header className="bar">
        <div className="bar-left">
          {page !== null && save !== null && (
            <SaveBadge save={save} persistence={page.persistence} onOpen={onOpenStorage} />
          )}
        </div>
        {awareness !== null && <People awareness={awareness} />}
        <NetworkSwitch />
      </header>
      <div className="paper">
        <StorageNotice />
        <input
          className="title"
          aria-label="Page title"
          placeholder="Untitled"
          value={title}
          maxLength={TITLE_LENGTH_MAX}
          onChange={event => onRename(event.target.value)}
        />
        {page !== null && page.loaded && page.status.kind === 'refused' && (
          <p className="notice" role="alert">
            {page.status.error.message}. What is on this device stays here.
          </p>
        )}
        {page?.loaded === true && (
          <PageEditor
            key={page.doc.guid}
            doc={page.doc}
            awareness={page.awareness}
            person={profile}
            editable={page.access !== 'read'}
          />
        )}
      </div>
    </main>
  )
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
  const isCut = useConnection().kind === 'paused'
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
