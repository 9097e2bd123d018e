/** Says whether the changes of a document are safe, in words that are true. */
import type { DocumentState, SaveState } from '../sdk/index.ts'
import { CheckIcon, CloudOffIcon, WarningIcon } from './icons.tsx'

const changesKept = (changes: number) => `${changes} ${changes === 1 ? 'change' : 'changes'}`

type Shown = { readonly text: string; readonly title: string }

type Persistence = DocumentState['persistence']

export function describeSave(save: SaveState, persistence: Persistence): Shown {
  switch (save.kind) {
    case 'saved':
      return { text: 'Saved', title: 'Every change is on the disk of the server.' }
    case 'saving':
      return { text: 'Saving…', title: `${changesKept(save.changes)} on the way to the server.` }
    case 'offline':
      return describeOffline(save, persistence)
    case 'not saving':
      return {
        text:
          save.changes === 0 ? 'Not saving' : `Not saving, ${changesKept(save.changes)} kept here`,
        title:
          save.error?.message ?? 'The server cannot store changes just now. It goes on trying.',
      }
  }
}

function describeOffline(save: SaveState & { kind: 'offline' }, persistence: Persistence): Shown {
  const { changes, kept } = save
  if (changes === 0) {
    return { text: 'Offline', title: 'Everything is saved. New changes are kept on this device.' }
  }
  if (persistence === 'degraded') {
    return {
      text: `Offline, ${changesKept(changes)} in this window only`,
      title: 'This device does not keep them: leave the page open until the network is back.',
    }
  }
  return {
    text:
      kept === 0
        ? 'Offline, keeping changes…'
        : `Offline, ${changesKept(kept)} kept on this device`,
    title: 'They are sent when the network is back.',
  }
}

const icons = {
  saved: <CheckIcon />,
  saving: <span className="spinner" />,
  offline: <CloudOffIcon />,
  'not saving': <WarningIcon />,
}

export type SaveBadgeProps = {
  readonly save: SaveState
  readonly persistence: Persistence
  readonly onOpen: () => void
}

export function SaveBadge({ save, persistence, onOpen }: SaveBadgeProps) {
  const { text, title } = describeSave(save, persistence)
  return (
    <>
      <button
        type="button"
        className="badge"
        data-state={save.kind.replace(' ', '-')}
        title={title}
        aria-haspopup="dialog"
        onClick={onOpen}
      >
        {icons[save.kind]}
        <span>{text}</span>
      </button>
      {/* What a button says is not read out when it changes. */}
      <output className="visually-hidden">{text}</output>
    </>
  )
}
