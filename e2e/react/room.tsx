/** Each hook in a component of its own, so that its renders can be told apart. */
import { useState } from 'react'
import {
  shallowEqual,
  typedHooks,
  useArray,
  useConnection,
  useDocument,
  useMap,
  usePermission,
  useSaved,
  useText,
  useTyping,
  type User,
} from 'weft/react'
import { countRender } from './renders.ts'

type Tool = { readonly tool: string; readonly note?: string }
type Task = { readonly title: string; readonly done: boolean }

type Signals = { readonly 'chat.wave': number; readonly 'chat.back': number }

const { useOthers, usePresence, useSelf, useSignal } = typedHooks<Tool, User, Signals>()

export function Room() {
  return (
    <div className="row">
      <Document />
      <MapPart />
      <Tasks />
      <Text />
      <Tools />
      <Count />
      <Self />
      <Saved />
      <Online />
      <Rights />
      <Field />
      <Waves />
    </div>
  )
}

function Document() {
  countRender('document')
  const guid = useDocument(undefined, view => view?.doc.guid ?? 'none')
  return <span data-testid="document">{guid}</span>
}

function MapPart() {
  countRender('map')
  const { data, isLoading, error, type } = useMap('meta', (meta: { title?: string }) => meta.title)
  return (
    <label>
      Title
      <input
        value={data ?? ''}
        data-loading={isLoading}
        data-error={error?.code}
        onChange={({ target }) => type?.set('title', target.value)}
      />
    </label>
  )
}

function Tasks() {
  countRender('array')
  const { data, type } = useArray<Task>('tasks')
  return (
    <button type="button" onClick={() => type?.push([{ title: 'more', done: false }])}>
      Tasks: {data.length}
    </button>
  )
}

function Text() {
  countRender('text')
  const { data, type } = useText('body')
  return (
    <button type="button" data-testid="text" onClick={() => type?.insert(type.length, 'x')}>
      {data === '' ? 'empty' : data}
    </button>
  )
}

/** A selector and an initial state that are made anew for each render. */
function Tools() {
  countRender('others')
  const tools = useOthers(
    others => others.map(({ presence }) => presence.tool ?? 'none'),
    shallowEqual,
  )
  return <span data-testid="others">{tools.join(',')}</span>
}

function Count() {
  countRender('count')
  const count = useOthers(others => others.length)
  return <span data-testid="count">{count}</span>
}

function Self() {
  countRender('self')
  const [{ tool }, setPresence] = usePresence({ tool: 'pen' })
  const note = useSelf(self => self?.presence.note ?? 'none')
  return (
    <button type="button" data-testid="self" onClick={() => setPresence({ tool: 'eraser' })}>
      {tool ?? 'none'}/{note}
    </button>
  )
}

function Saved() {
  countRender('saved')
  const save = useSaved()
  return <span data-testid="saved">{save?.kind ?? 'none'}</span>
}

function Online() {
  countRender('connection')
  return <span data-testid="connection">{useConnection()}</span>
}

function Rights() {
  countRender('permission')
  const { access, canWrite } = usePermission()
  return (
    <span data-testid="permission">
      {access ?? 'unknown'}/{canWrite ? 'writes' : 'reads'}
    </span>
  )
}

function Field() {
  const { onInput, stop } = useTyping()
  return <input aria-label="Message" onInput={onInput} onBlur={stop} />
}

/** Signals render nothing: what was heard is shown by the state of the component. */
function Waves() {
  countRender('waves')
  const [heard, setHeard] = useState<readonly string[]>([])
  const [factor, setFactor] = useState(1)
  const send = useSignal('chat.*', ({ from, data }) =>
    setHeard(before => [...before, `${from.id} ${data * factor}`]),
  )
  return (
    <>
      <button
        type="button"
        data-testid="waves"
        onClick={() => void send('chat.back', heard.length)}
      >
        {heard.length === 0 ? 'nobody' : heard.join(',')}
      </button>
      <button type="button" data-testid="factor" onClick={() => setFactor(10)}>
        Ten times
      </button>
    </>
  )
}
