/** The suspense entry, with a boundary and with a refusal. */
import { Suspense } from 'react'
import { DocumentProvider, SyncErrorBoundary, useDocument, useText } from 'weft/react/suspense'
import { countRender } from './renders.ts'

export function Waiting({ name }: { readonly name: string }) {
  return (
    <DocumentProvider name={name}>
      <SyncErrorBoundary>
        <Suspense fallback={<span data-testid="fallback">loading</span>}>
          <Ready />
        </Suspense>
      </SyncErrorBoundary>
    </DocumentProvider>
  )
}

function Ready() {
  countRender('ready')
  const kind = useDocument(undefined, ({ status }) => status.kind)
  const { data, type } = useText('body')
  return (
    <button type="button" data-testid="ready" onClick={() => type.insert(0, 'y')}>
      {kind}: {data}
    </button>
  )
}

/** Nothing above it is mounted while it waits: no provider of the document holds it open. */
export function WaitingAlone({ name }: { readonly name: string }) {
  const doc = useDocument(name, view => view.doc)
  return <span data-testid="alone">{doc.getText('body').toJSON()}</span>
}
