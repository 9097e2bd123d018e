/** Who has access to the page, where it comes from, and how to change it. */
import { useRef } from 'react'
import type { GrantView } from '../../sdk/index.ts'
import { TrashIcon } from '../icons.tsx'
import { EndSelect } from './end-select.tsx'
import { EveryoneRow } from './everyone-row.tsx'
import type { KnownNames } from './known-names.ts'
import { RoleSelect } from './role-select.tsx'
import { changeGrant, type NewTerms } from './share-facts.ts'
import { sayGiven, sayLimits, sayOrigin, sayRole, type ShareRole } from './share-words.ts'
import type { Share } from './use-share.ts'
import { WhoLine, whoIs } from './who.tsx'

export type PeopleListProps = {
  readonly page: string
  readonly share: Pick<Share, 'act' | 'busy'>
  readonly grants: readonly GrantView[]
  /** Roles that may be given. */
  readonly roles: readonly ShareRole[]
  readonly names: KnownNames
  /** The id of whoever looks. */
  readonly self: string
}

export function PeopleList({ page, share, grants, roles, names, self }: PeopleListProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const everyone = grants.find(({ subject, resource }) => subject === '*' && resource === page)
  const shown = grants.filter(grant => grant !== everyone)
  const own = roles.at(-1)
  return (
    <section className="share-section">
      <h3 ref={heading} tabIndex={-1}>
        Who has access
      </h3>
      <ul className="share-list">
        <li className="share-row">
          <WhoLine who={{ ...whoIs(`user:${self}`, names), detail: 'you' }} />
          <span className="share-fixed">{own === undefined ? '' : sayRole(own)}</span>
        </li>
        {shown.map(grant => (
          <GrantRow
            key={grant.id}
            grant={grant}
            page={page}
            share={share}
            roles={roles}
            names={names}
            // The button that had the focus is gone with its row.
            onRemoved={() => heading.current?.focus()}
          />
        ))}
        <EveryoneRow page={page} share={share} grant={everyone} roles={roles} />
      </ul>
    </section>
  )
}

type GrantRowProps = Omit<PeopleListProps, 'grants' | 'self'> & {
  readonly grant: GrantView
  readonly onRemoved: () => void
}

function GrantRow({ grant, page, share, roles, names, onRemoved }: GrantRowProps) {
  const { act, busy } = share
  const { subject, resource, role, effect, expiresAt } = grant
  const who = whoIs(subject, names)
  const notes = [sayOrigin(resource, page), sayLimits(grant)].filter(note => note !== '')
  const change = (terms: NewTerms) =>
    void act(access => changeGrant(access, grant, terms), `Changed for ${who.name}.`)
  const remove = async () => {
    const isGone = await act(access => access.revoke(grant.id), `${who.name} has no access by it.`)
    if (isGone) onRemoved()
  }
  return (
    <li className="share-row">
      <WhoLine who={who}>
        {notes.length > 0 && <span className="who-detail">{notes.join(', ')}</span>}
      </WhoLine>
      <div className="share-controls">
        {effect === 'allow' && role !== null ? (
          <RoleSelect
            label={`Role of ${who.name}`}
            value={role}
            roles={roles}
            disabled={busy}
            onChange={next => change({ role: next })}
          />
        ) : (
          <span className="share-fixed">{sayGiven(grant)}</span>
        )}
        <EndSelect
          label={`End of access for ${who.name}`}
          value={expiresAt === null ? null : Date.parse(expiresAt)}
          disabled={busy}
          onChange={end => change({ expiresAt: end })}
        />
        <button
          type="button"
          className="quiet-button"
          aria-label={`Remove ${who.name}`}
          title={notes.length > 0 ? `Remove, there as well: ${notes[0]}` : 'Remove'}
          disabled={busy}
          onClick={() => void remove()}
        >
          <TrashIcon />
        </button>
      </div>
    </li>
  )
}
