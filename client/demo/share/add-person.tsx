/** Lets somebody in by their id. */
import { useId, useState } from 'react'
import { EndSelect } from './end-select.tsx'
import type { KnownNames } from './known-names.ts'
import { RoleSelect } from './role-select.tsx'
import { subjectOf, type ShareRole } from './share-words.ts'
import type { Share } from './use-share.ts'

export type AddPersonProps = {
  readonly page: string
  readonly share: Pick<Share, 'act' | 'busy'>
  readonly roles: readonly ShareRole[]
  /** Offered while one types. */
  readonly names: KnownNames
}

export function AddPerson({ page, share, roles, names }: AddPersonProps) {
  const { act, busy } = share
  const [id, setId] = useState('')
  const [role, setRole] = useState<string>(roles[0] ?? 'viewer')
  const [end, setEnd] = useState<number | null>(null)
  const list = useId()
  const hint = useId()
  const add = async () => {
    const expires = end === null ? {} : { expiresAt: new Date(end) }
    const order = { subject: subjectOf(id), resource: page, role, ...expires }
    if (!(await act(access => access.grant(order), `Added ${id}.`))) return
    setId('')
    setEnd(null)
  }
  return (
    <form
      className="share-section"
      onSubmit={event => {
        event.preventDefault()
        if (id.trim() !== '') void add()
      }}
    >
      <h3>Add someone</h3>
      <p className="share-lead" id={hint}>
        By the id in their token, which the notice of a page without access shows them;{' '}
        <code>group:name</code> adds a group.
      </p>
      <div className="share-add">
        <input
          className="field"
          aria-label="Id of a person or group"
          aria-describedby={hint}
          placeholder="Id"
          autoComplete="off"
          spellCheck={false}
          list={list}
          value={id}
          onChange={event => setId(event.target.value)}
        />
        <datalist id={list}>
          {[...names].map(([known, name]) => (
            <option key={known} value={known}>
              {name}
            </option>
          ))}
        </datalist>
        <RoleSelect label="Role" value={role} roles={roles} disabled={busy} onChange={setRole} />
        <EndSelect label="End of access" value={end} disabled={busy} onChange={setEnd} />
        <button type="submit" className="solid-button" disabled={busy || id.trim() === ''}>
          Add
        </button>
      </div>
    </form>
  )
}
