/** Network and storage: what the connection does, what this device holds, and the way out. */
import './storage-drawer.css'
import type { ReactNode } from 'react'
import {
  useClient,
  useConnectionState,
  useDocument,
  usePersistence,
  type DocumentView,
} from '../react/index.ts'
import { useDeviceCopies } from './device-copies.ts'
import { DeviceDocuments, SetAside } from './device-documents.tsx'
import { Modal } from './modal.tsx'
import { SignOut } from './sign-out.tsx'
import { indexName, pageName, type PageEntry } from './space-index.ts'
import { sayBytes, sayConnection, sayPersistence, sayStatus, type Said } from './storage-words.ts'

export type StorageDrawerProps = {
  readonly space: string
  /** The page that is shown, by its document's name. */
  readonly page: string
  readonly pages: readonly PageEntry[]
  readonly onClose: () => void
}

export function StorageDrawer({ space, page, pages, onClose }: StorageDrawerProps) {
  const copies = useDeviceCopies(useClient())
  const titles = new Map(pages.map(({ id, title }) => [pageName(space, id), title || 'Untitled']))
  titles.set(indexName(space), 'List of pages')
  const titleOf = (name: string) => titles.get(name) ?? name

  return (
    <Modal name="drawer" title="Network and storage" onClose={onClose}>
      <Now page={page} bytes={copies?.documents.reduce((sum, one) => sum + one.bytes, 0) ?? 0} />
      <Section
        title="On this device"
        lead="What you open stays for a while. What you keep stays until you say otherwise, and follows in the background."
      >
        {copies !== null && <DeviceDocuments documents={copies.documents} titleOf={titleOf} />}
      </Section>
      {copies !== null && copies.asides.length > 0 && (
        <Section
          title="Set aside"
          lead="Changes that the server did not take, and documents that are no more. They never come back by themselves."
        >
          <SetAside asides={copies.asides} titleOf={titleOf} />
        </Section>
      )}
      <Section
        title="Leave"
        lead="Deletes every copy from this device and ends all of its tabs. What is on the server stays there."
      >
        <SignOut titleOf={titleOf} />
      </Section>
    </Modal>
  )
}

function Now({ page, bytes }: { readonly page: string; readonly bytes: number }) {
  const connection = useConnectionState()
  const persistence = usePersistence()
  const document = useDocument(page)
  return (
    <dl className="facts">
      <Fact term="Connection" said={sayConnection(connection)} />
      {document !== null && <Fact term="This page" said={sayStatus(document.status)} />}
      {document !== null && <Fact term="Unsent changes" said={sayUnsent(document)} />}
      <Fact term="This device" said={sayPersistence(persistence)} />
      <Fact term="Space used" said={{ tone: 'quiet', text: sayBytes(bytes) }} />
    </dl>
  )
}

function sayUnsent({ unsaved, kept }: DocumentView): Said {
  if (unsaved === 0) return { tone: 'good', text: 'None' }
  const where = kept === unsaved ? 'kept on this device' : 'in this window'
  return { tone: 'warn', text: `${unsaved}, ${where}` }
}

function Fact({ term, said }: { readonly term: string; readonly said: Said }) {
  return (
    <div className="fact">
      <dt>{term}</dt>
      <dd data-tone={said.tone}>{said.text}</dd>
    </div>
  )
}

type SectionProps = {
  readonly title: string
  readonly lead: string
  readonly children: ReactNode
}

function Section({ title, lead, children }: SectionProps) {
  return (
    <section className="drawer-section">
      <h3>{title}</h3>
      <p className="drawer-lead">{lead}</p>
      {children}
    </section>
  )
}
