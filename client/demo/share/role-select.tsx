/** One of the roles that the person who shares may give. */
import { sayRole, type ShareRole } from './share-words.ts'

export type RoleSelectProps = {
  readonly label: string
  readonly value: string
  readonly roles: readonly ShareRole[]
  readonly disabled: boolean
  readonly onChange: (role: string) => void
}

export function RoleSelect({ label, value, roles, disabled, onChange }: RoleSelectProps) {
  // What somebody has is shown, whether or not it could be given.
  const offered = roles.some(role => role === value) ? roles : [value, ...roles]
  return (
    <select
      className="select select-role"
      aria-label={label}
      value={value}
      disabled={disabled}
      onChange={event => onChange(event.target.value)}
    >
      {offered.map(role => (
        <option key={role} value={role}>
          {sayRole(role)}
        </option>
      ))}
    </select>
  )
}
