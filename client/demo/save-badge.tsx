/** Says whether the changes of a document are safe, in words that are true. */
import type { SaveState } from '../sdk/index.ts'
import { CheckIcon, CloudOffIcon, WarningIcon } from './icons.tsx'

const changesKept = (changes: number) => `${changes} ${changes === 1 ? 'change' : 'changes'}`

type Shown = { readonly text: string; readonly title: string }

export function describeSave(save: SaveState): Shown {
  switch (save.kind) {
    case 'saved':
      return { text: 'Saved', title: 'Every change is on the disk of the server.' }
    case 'saving':
      return { text: 'Saving…', title: `${changesKept(save.changes)} on the way to the server.` }
    case 'offline':
      return save.changes === 0
        ? { text: 'Offline', title: 'Everything is saved. New changes are kept on this device.' }
        : {
            text: `Offline, ${changesKept(save.changes)} kept on this device`,
            title: 'They are sent when the network is back.',
          }
    case 'not saving':
      return {
        text:
          save.changes === 0 ? 'Not saving' : `Not saving, ${changesKept(save.changes)} kept here`,
        title:
          save.error?.message ?? 'The server cannot store changes just now. It goes on trying.',
      }
  }
}

const icons = {
  saved: <CheckIcon />,
  saving: <span className="spinner" />,
  offline: <CloudOffIcon />,
  'not saving': <WarningIcon />,
}

export function SaveBadge({ save }: { readonly save: SaveState }) {
  const { text, title } = describeSave(save)
  return (
    <output className="badge" data-state={save.kind.replace(' ', '-')} title={title}>
      {icons[save.kind]}
      {text}
    </output>
  )
}
