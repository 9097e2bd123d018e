/** A person, a group or everyone, as a line of the Share dialog begins. */
import type { ReactNode } from 'react'
import { initials } from '../../react/components/avatar.tsx'
import type { KnownNames } from './known-names.ts'

export type Who = { readonly name: string; readonly mark: string; readonly detail: string }

/** Of `user:<id>`, `group:<name>` or `*`. */
export function whoIs(subject: string, names: KnownNames): Who {
  if (subject === '*') return { name: 'Everyone', mark: '∗', detail: 'with a token of this server' }
  const [kind = '', ...rest] = subject.split(':')
  const id = rest.join(':')
  if (kind === 'group') return { name: id, mark: initials(id), detail: 'a group' }
  const name = names.get(id)
  if (name === undefined) return { name: id, mark: initials(id), detail: '' }
  return { name, mark: initials(name), detail: id }
}

export type WhoProps = { readonly who: Who; readonly children?: ReactNode }

export function WhoLine({ who, children }: WhoProps) {
  return (
    <>
      <span className="avatar share-avatar" aria-hidden="true">
        {who.mark}
      </span>
      <div className="who">
        <span className="who-name" title={who.name}>
          <bdi>{who.name}</bdi>
        </span>
        {who.detail !== '' && (
          <span className="who-detail" title={who.detail}>
            <bdi>{who.detail}</bdi>
          </span>
        )}
        {children}
      </div>
    </>
  )
}
