/** The documents on this device, and the copies that were set aside. */
import { useClient } from '../react/index.ts'
import type { AsideCopy, OfflineDocument } from '../sdk/index.ts'
import { download, exportName } from './download.ts'
import { DownloadIcon, TrashIcon } from './icons.tsx'
import { sayBytes, sayChanges, sayTime } from './storage-words.ts'

export type DeviceDocumentsProps = {
  readonly documents: readonly OfflineDocument[]
  readonly titleOf: (name: string) => string
}

export function DeviceDocuments({ documents, titleOf }: DeviceDocumentsProps) {
  if (documents.length === 0) return <p className="drawer-empty">Nothing yet.</p>
  return (
    <>
      {/* Each switch says the same by itself to those who do not see this line. */}
      <div className="copies-head" aria-hidden="true">
        <span>Document</span>
        <span>Keep</span>
      </div>
      <ul className="copies">
        {documents.map(copy => (
          <DeviceDocument key={copy.name} copy={copy} title={titleOf(copy.name)} />
        ))}
      </ul>
    </>
  )
}

type DeviceDocumentProps = { readonly copy: OfflineDocument; readonly title: string }

function DeviceDocument({ copy, title }: DeviceDocumentProps) {
  const { offline } = useClient()
  const { name, kept, unsent, bytes, refusal } = copy
  const toggle = async () => {
    // A download that waits for the network is not an error; the list shows how far it is.
    await (kept ? offline.unkeep(name) : offline.keep(name)).catch(() => {})
  }
  const save = async () => {
    const state = await offline.export(name)
    if (state !== undefined) download(state, exportName(name))
  }
  return (
    <li className="copy">
      <div className="copy-text">
        <span className="copy-title" title={name}>
          {title}
        </span>
        <span className="copy-facts">
          {bytes === 0 && unsent > 0 ? 'In this window only' : sayBytes(bytes)}
          {unsent > 0 && <b className="unsent">{sayChanges(unsent)}</b>}
        </span>
        {refusal !== null && <span className="refusal">{refusal.message}</span>}
      </div>
      <button
        type="button"
        className="quiet-button"
        aria-label={`Export ${title}`}
        title="Export as a Yjs update"
        onClick={() => void save()}
      >
        <DownloadIcon />
      </button>
      <button
        type="button"
        role="switch"
        className="switch"
        aria-checked={kept}
        aria-label={`Keep ${title} offline`}
        title={kept ? 'Always on this device' : 'Keep it on this device, always up to date'}
        onClick={() => void toggle()}
      >
        <span />
      </button>
    </li>
  )
}

export type SetAsideProps = {
  readonly asides: readonly AsideCopy[]
  readonly titleOf: (name: string) => string
}

export function SetAside({ asides, titleOf }: SetAsideProps) {
  const { offline } = useClient()
  return (
    <ul className="copies">
      {asides.map(({ id, name, at, state, unsaved }) => (
        <li className="copy" key={id}>
          <div className="copy-text">
            <span className="copy-title" title={name}>
              {titleOf(name)}
            </span>
            <span className="copy-facts">
              {sayTime(at)}, {sayBytes(state.byteLength)}
              {unsaved > 0 && <b className="unsent">{sayChanges(unsaved)}</b>}
            </span>
          </div>
          <button
            type="button"
            className="quiet-button"
            aria-label={`Export the copy of ${titleOf(name)} set aside`}
            title="Export as a Yjs update"
            onClick={() => download(state, exportName(name))}
          >
            <DownloadIcon />
          </button>
          <button
            type="button"
            className="quiet-button"
            aria-label={`Drop the copy of ${titleOf(name)} set aside`}
            title="Drop it for good"
            onClick={() => void offline.discard(id)}
          >
            <TrashIcon />
          </button>
        </li>
      ))}
    </ul>
  )
}
