/** A page on `weft/react` whose component is written anew while it is shown. */
import { runtime } from './runtime.ts'
import { StrictMode, useId, useState, type ComponentType } from 'react'
import { createRoot } from 'react-dom/client'
import { DocumentProvider, WeftProvider, useClient, useMap, useOthers } from 'weft/react'

const query = new URLSearchParams(location.search)
const value = (name: string) => query.get(name) ?? ''

function Title({ word }: { readonly word: string }) {
  const { data, type } = useMap('meta', (meta: { title?: string }) => meta.title)
  const [changes, setChanges] = useState(0)
  return (
    <label>
      {word} ({changes})
      <input
        aria-label="Title"
        value={data ?? ''}
        onChange={({ target }) => {
          setChanges(changes + 1)
          type?.set('title', target.value)
        }}
      />
    </label>
  )
}

/** What stands in the file: each time it is saved there is another one. */
const versions = {
  first: () => <Title word="Title" />,
  renamed: () => <Title word="Heading" />,
  /** With other hooks: React mounts it anew. */
  rewritten: function Rewritten() {
    const id = useId()
    const others = useOthers(all => all.length)
    return (
      <section aria-labelledby={id}>
        <h2 id={id}>With {others}</h2>
        <Title word="Heading" />
      </section>
    )
  },
} as const satisfies Record<string, ComponentType>

const hooksOf = { first: '', renamed: '', rewritten: 'useId useOthers' }

function save(version: keyof typeof versions): void {
  const component = versions[version]
  runtime.setSignature(component, hooksOf[version])
  runtime.register(component, 'Shown')
  runtime.performReactRefresh()
}

/** The client, for tests that look behind the hooks. */
function Handle() {
  const client = useClient()
  Object.assign(weftPage, { client })
  return null
}

const weftPage = { save, renders: {} }
Object.assign(globalThis, { weftPage })

save('first')
const Shown = versions.first
const token = () => Promise.resolve(value('token'))
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  <StrictMode>
    <WeftProvider url={value('url')} user={value('user')} token={token}>
      <Handle />
      <DocumentProvider name={value('name')} initialPresence={{ status: 'online' }}>
        <Shown />
      </DocumentProvider>
    </WeftProvider>
  </StrictMode>,
)
