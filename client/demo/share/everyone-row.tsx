/** What everybody has who has a token of this server: nothing, unless somebody says otherwise. */
import type { GrantView } from '../../sdk/index.ts'
import { changeGrant } from './share-facts.ts'
import { sayRole, type ShareRole } from './share-words.ts'
import type { Share } from './use-share.ts'
import { WhoLine, whoIs } from './who.tsx'

export type EveryoneRowProps = {
  readonly page: string
  readonly share: Pick<Share, 'act' | 'busy'>
  readonly grant: GrantView | undefined
  readonly roles: readonly ShareRole[]
}

export function EveryoneRow({ page, share, grant, roles }: EveryoneRowProps) {
  const { act, busy } = share
  const choose = (role: string) => {
    const said =
      role === '' ? 'Only those who are listed have access.' : `${sayRole(role)}: everyone.`
    void act(async access => {
      if (role === '') return grant && access.revoke(grant.id)
      if (grant !== undefined) return changeGrant(access, grant, { role })
      return access.grant({ subject: '*', resource: page, role })
    }, said)
  }
  return (
    <li className="share-row">
      <WhoLine who={whoIs('*', new Map())} />
      <div className="share-controls">
        <select
          className="select select-role"
          aria-label="Role of everyone with a token"
          value={grant?.role ?? ''}
          disabled={busy}
          onChange={event => choose(event.target.value)}
        >
          <option value="">No access</option>
          {roles
            // A page that everybody owns is a page that everybody can take from everybody.
            .filter(role => role !== 'owner' || grant?.role === role)
            .map(role => (
              <option key={role} value={role}>
                {sayRole(role)}
              </option>
            ))}
        </select>
      </div>
    </li>
  )
}
