/** Share: who has access to a page, who asks for it, and how to give and take it. */
import './share.css'
import { Modal } from '../modal.tsx'
import { AddPerson } from './add-person.tsx'
import { GuestLink } from './guest-link.tsx'
import { readNames, type KnownNames } from './known-names.ts'
import { PendingList } from './pending-list.tsx'
import { PeopleList } from './people-list.tsx'
import { rolesWithin } from './share-words.ts'
import { useShare, type Share } from './use-share.ts'

export type ShareDialogProps = {
  /** The page's document. */
  readonly page: string
  readonly title: string
  readonly link: string
  readonly self: { readonly id: string; readonly name: string }
  readonly onClose: () => void
}

export function ShareDialog({ page, title, link, self, onClose }: ShareDialogProps) {
  const share = useShare(page)
  return (
    <Modal
      name="share"
      title={<>Share {title === '' ? 'this page' : <bdi>“{title}”</bdi>}</>}
      onClose={onClose}
    >
      {share.problem !== null && (
        <p className="notice" role="alert">
          {share.problem}
        </p>
      )}
      <output className="visually-hidden">{share.done}</output>
      <Content page={page} share={share} self={self} />
      <GuestLink link={link} />
    </Modal>
  )
}

type ContentProps = Pick<ShareDialogProps, 'page' | 'self'> & { readonly share: Share }

function Content({ page, share, self }: ContentProps) {
  const { facts } = share
  if (facts === null) return <p className="share-lead share-quiet">Looking who has access…</p>
  if (!facts.rights.has('share')) {
    return (
      <p className="share-lead share-quiet">
        Only owners of this page can say who has access. You can hand on the link, and whoever opens
        it can ask them.
      </p>
    )
  }
  const { grants, requests } = facts
  const roles = rolesWithin(facts.rights)
  const names: KnownNames = new Map([...readNames(), [self.id, self.name]])
  return (
    <>
      {requests.length > 0 && (
        <PendingList page={page} share={share} requests={requests} roles={roles} names={names} />
      )}
      <PeopleList
        page={page}
        share={share}
        grants={grants}
        roles={roles}
        names={names}
        self={self.id}
      />
      <AddPerson page={page} share={share} roles={roles} names={names} />
    </>
  )
}
