/** How the system's documents are decided on: the one place where their names become rules. */
import type { Question, Rule } from './decide.ts'
import type { Principal } from './permissions.ts'
import { ownerOf, systemName } from './system-names.ts'

/**
 * The name of which the rules speak. For `~space/<P>` it is `<P>/`: covered by what covers the whole
 * of the space, and the name of no document, so that a grant on one of those says nothing of it.
 */
export function ruledAs(resource: string): string {
  const system = systemName(resource)
  return system?.kind === 'space' ? `${system.space}/` : resource
}

/** The question as it is put to the rules; null: nobody may, whoever they are. */
export function asRuled(question: Question): Question | null {
  const system = systemName(question.resource)
  if (system === undefined) return question
  if (system.kind === 'user') return ofUser(question, system.owner)
  const { capability } = question
  // Who may read a space is present in it, and makes its document by that; there is nothing to write.
  if (capability !== 'read' && capability !== 'create') return null
  return { ...question, resource: ruledAs(question.resource), capability: 'read' }
}

/** Its owner and admins, whatever else is granted. */
function ofUser(question: Question, owner: string): Question {
  const { principal, rules, resource } = question
  return {
    ...question,
    principal: { ...principal, grants: principal.grants.filter(isAdmin) },
    rules: [
      ...rules.filter(rule => rule.effect === 'allow' && isAdmin(rule)),
      ...(isOwner(principal, owner) ? [ownRule(resource)] : []),
    ],
  }
}

function isOwner({ id, tenant }: Principal, owner: string): boolean {
  return ownerOf({ id, tenant }) === owner
}

function isAdmin({ role, resource }: Pick<Rule, 'role' | 'resource'>): boolean {
  return role === 'admin' && resource === '**'
}

const ownRule = (resource: string): Rule => ({
  id: null,
  subject: { kind: 'self' },
  resource,
  effect: 'allow',
  role: null,
  capabilities: ['read', 'comment', 'write', 'create'],
  paths: null,
  expiresAt: Infinity,
  condition: null,
})
