/** People who wait for an answer: how much, for how long, yes or no. */
import { useState } from 'react'
import { roleCapabilities } from '../../../shared/permissions.ts'
import type { AccessRequestView } from '../../sdk/index.ts'
import type { KnownNames } from './known-names.ts'
import { RoleSelect } from './role-select.tsx'
import {
  durations,
  isShareRole,
  rolesWithin,
  sayDuration,
  sayWhere,
  sayWish,
  type ShareRole,
} from './share-words.ts'
import type { Share } from './use-share.ts'
import { WhoLine, whoIs } from './who.tsx'

export type PendingListProps = {
  readonly page: string
  readonly share: Pick<Share, 'act' | 'busy'>
  readonly requests: readonly AccessRequestView[]
  /** Roles that may be given. */
  readonly roles: readonly ShareRole[]
  readonly names: KnownNames
}

export function PendingList({ page, share, requests, roles, names }: PendingListProps) {
  return (
    <section className="share-section waiting">
      <h3>{requests.length === 1 ? 'Someone asks for access' : 'People ask for access'}</h3>
      <ul className="share-list">
        {requests.map(request => (
          <PendingRow
            key={request.id}
            request={request}
            page={page}
            share={share}
            roles={roles}
            names={names}
          />
        ))}
      </ul>
    </section>
  )
}

const DAY_MS = 86_400_000

type PendingRowProps = Omit<PendingListProps, 'requests'> & {
  readonly request: AccessRequestView
}

function PendingRow({ page, request, share, roles, names }: PendingRowProps) {
  const { act, busy } = share
  const { id, reason, resource, role: asked, durationMs: longest, requestedBy } = request
  const [role, setRole] = useState(asked)
  const [durationMs, setDuration] = useState(Math.min(DAY_MS, longest))
  const who = whoIs(`user:${requestedBy}`, names)
  const approve = { decision: 'approve', role, durationMs } as const
  const lengths = new Set([...durations.map(({ ms }) => ms).filter(ms => ms < longest), longest])
  return (
    <li className="share-row">
      <WhoLine who={who}>
        <span className="who-words">
          Asks {sayWish(asked)}
          {resource !== page && `, for ${sayWhere(resource)}`}
          {reason !== null && <q>{reason}</q>}
        </span>
      </WhoLine>
      <div className="share-controls">
        <RoleSelect
          label={`Role for ${who.name}`}
          value={role}
          roles={atMost(asked, roles)}
          disabled={busy}
          onChange={setRole}
        />
        <select
          className="select"
          aria-label={`How long for ${who.name}`}
          value={durationMs}
          disabled={busy}
          onChange={event => setDuration(Number(event.target.value))}
        >
          {[...lengths].map(ms => (
            <option key={ms} value={ms}>
              For {sayDuration(ms)}
            </option>
          ))}
        </select>
        <button
          type="button"
          className="solid-button"
          aria-label={`Approve ${who.name}`}
          disabled={busy}
          onClick={() =>
            void act(access => access.decide(id, approve), `${who.name} has access now.`)
          }
        >
          Approve
        </button>
        <button
          type="button"
          className="outline-button"
          aria-label={`Deny ${who.name}`}
          disabled={busy}
          onClick={() =>
            void act(access => access.decide(id, { decision: 'deny' }), `Denied ${who.name}.`)
          }
        >
          Deny
        </button>
      </div>
    </li>
  )
}

/** An answer may be less than what was asked for, and never more. */
function atMost(asked: string, roles: readonly ShareRole[]): readonly ShareRole[] {
  if (!isShareRole(asked)) return []
  const wanted = rolesWithin(new Set(roleCapabilities[asked]))
  return roles.filter(role => wanted.includes(role))
}
