/** What is written down of grants: changes together with them, refusals beside. */
import { WeftError } from '../../../shared/errors.ts'
import type { Principal } from '../../../shared/permissions.ts'
import { byPrincipal, type AuditEvent } from '../../audit/audit-row.ts'
import type { Note } from '../note.ts'
import type { StoredGrant } from './grant.ts'

/** Who does it, from where, in which request. */
export type By = {
  readonly principal: Principal
  readonly address: string | null
  readonly requestId: string | null
}

export function actorOf({ principal, address, requestId }: By) {
  return { ...byPrincipal(principal), address, requestId }
}

type Told = { readonly action: string; readonly grant: StoredGrant; readonly before?: StoredGrant }

export function eventOf(by: By, { action, grant, before }: Told): AuditEvent {
  const { resource, ...rest } = grant
  const details = before === undefined ? rest : { ...rest, before }
  return { ...actorOf(by), action, document: resource, decision: 'allow', details }
}

export type Attempt = {
  readonly by: By
  readonly action: string
  readonly resource: string
  readonly note: Note
}

/** Asks whether somebody may; a refusal is written down and passed on. */
export async function attempt<T>(
  { by, action, resource, note }: Attempt,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof WeftError && error.code === 'FORBIDDEN') {
      const because = error.message
      note({ ...actorOf(by), action, document: resource, decision: 'deny', because })
    }
    throw error
  }
}
