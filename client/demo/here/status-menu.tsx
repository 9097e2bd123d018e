/** One's own name, and what others are told of one's being here. */
import { useStatus } from '../../react/index.ts'
import type { PresenceStatus } from '../../sdk/index.ts'
import { ChevronIcon } from '../icons.tsx'
import { Menu, type MenuChoice } from '../menu.tsx'
import type { Profile } from '../profile.ts'
import { Face } from './face.tsx'

const Light = ({ status }: { readonly status: PresenceStatus }) => (
  <span className="status-light" data-status={status}>
    <span className="weft-status" />
  </span>
)

const light = (status: PresenceStatus) => ({ value: status, icon: <Light status={status} /> })

const choices: readonly MenuChoice<PresenceStatus>[] = [
  { ...light('online'), name: 'Online', hint: 'Away by itself after a while' },
  { ...light('busy'), name: 'Busy', hint: 'Stays until you change it' },
  { ...light('away'), name: 'Away' },
  { ...light('offline'), name: 'Hidden', hint: 'Others see you as offline' },
]

const words: Readonly<Record<PresenceStatus, string>> = {
  online: 'online',
  busy: 'busy',
  away: 'away',
  offline: 'hidden',
}

export function StatusMenu({ profile }: { readonly profile: Profile }) {
  const { current, chosen, choose } = useStatus()
  return (
    <Menu
      className="me-button"
      label="Your status"
      choices={choices}
      chosen={chosen}
      onChoose={choose}
    >
      <Face name={profile.name} color={profile.color} status={current} />
      <span className="me-name">
        <bdi>{profile.name}</bdi>
        {profile.kind === 'guest' && <small aria-hidden="true">guest</small>}
        {current !== 'online' && <small aria-hidden="true">{words[current]}</small>}
        <span className="visually-hidden">
          {`${profile.kind === 'guest' ? ', guest' : ''}, ${words[current]}: change status`}
        </span>
      </span>
      <ChevronIcon />
    </Menu>
  )
}
