/** Somebody's face in a list that says the rest in words: nothing to be read out. */
import type { PresenceStatus } from '../../sdk/index.ts'
import { AgentIcon } from '../icons.tsx'
import { initials } from '../../react/components/avatar.tsx'

export type FaceProps = {
  readonly name: string
  readonly color: string
  readonly kind?: 'user' | 'agent' | 'service'
  readonly status: PresenceStatus
}

export function Face({ name, color, kind = 'user', status }: FaceProps) {
  return (
    <span
      className="avatar face"
      data-kind={kind}
      data-status={status}
      style={{ backgroundColor: color }}
      aria-hidden="true"
    >
      {kind === 'user' ? initials(name) : <AgentIcon />}
      <span className="weft-status" />
    </span>
  )
}
