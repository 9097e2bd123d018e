/** On a server there is no window: pages are rendered as they look before there is a document. */
import { Suspense } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createClient } from '../sdk/index.ts'
import {
  AvatarStack,
  ConnectionBadge,
  DocumentProvider,
  LiveCursors,
  SyncErrorBoundary,
  TypingIndicator,
  WeftProvider,
  useArray,
  useClient,
  useClientLife,
  useConnectionState,
  useDocument,
  useMap,
  useOthers,
  usePermission,
  usePersistence,
  usePresence,
  useSaved,
  useSelf,
  useSignal,
  useText,
  useTyping,
} from './index.ts'
import { useText as useReadyText } from './suspense/index.ts'

function Everything() {
  const shown = {
    document: useDocument(),
    map: useMap('map').data,
    array: useArray('array').data,
    text: useText('text').isLoading,
    others: useOthers(others => others.length),
    self: useSelf(),
    presence: usePresence({ status: 'online' })[0],
    saved: useSaved(),
    connection: useConnectionState().kind,
    permission: usePermission().canRead,
    life: useClientLife(),
    persistence: usePersistence().kind,
    typing: useTyping().people,
    send: typeof useSignal('*', () => {}),
    isClient: typeof useClient().open,
  }
  return <pre>{JSON.stringify(shown)}</pre>
}

function Page() {
  return (
    <DocumentProvider name="acme/notes" initialPresence={{ status: 'online' }}>
      <AvatarStack />
      <ConnectionBadge />
      <TypingIndicator />
      <SyncErrorBoundary>
        <LiveCursors>
          <Everything />
        </LiveCursors>
      </SyncErrorBoundary>
      <Suspense fallback="a moment">
        <Ready />
      </Suspense>
    </DocumentProvider>
  )
}

function Ready() {
  return useReadyText('text').data
}

const nothingYet =
  '{"document":null,"map":{},"array":[],"text":true,"others":0,"self":null,"presence":{},"saved":null,' +
  '"connection":"idle","permission":false,'

test('every hook and component renders without a window, and opens nothing', () => {
  const html = renderToString(
    <WeftProvider
      url="https://weft.example.com"
      user="ada"
      token={() => Promise.reject(new Error())}
    >
      <Page />
    </WeftProvider>,
  ).replaceAll('&quot;', '"')
  expect(html).toContain(nothingYet)
  expect(html).toContain('aria-label="People here"')
  expect(html).toContain('Offline')
  expect(html).toContain('a moment')
})

test('the same with a client of the application', async () => {
  const client = createClient({ url: 'http://localhost', token: '', offline: 'memory' })
  const html = renderToString(
    <WeftProvider client={client}>
      <Page />
    </WeftProvider>,
  ).replaceAll('&quot;', '"')
  expect(html).toContain(nothingYet)
  expect(client.connection.get().kind).toBe('idle')
  await client.close()
})

test('without a provider the error names what is missing', () => {
  expect(() => renderToString(<AvatarStack />)).toThrow('<WeftProvider>')
  const client = createClient({ url: 'http://localhost', token: '', offline: 'memory' })
  const html = () =>
    renderToString(
      <WeftProvider client={client}>
        <AvatarStack />
      </WeftProvider>,
    )
  expect(html).toThrow('<DocumentProvider>')
})
