/** What the public types say: they are the application's, all the way. */
import { expectTypeOf, test } from 'vitest'
import type * as Y from 'yjs'
import {
  typedHooks,
  useArray,
  useConnection,
  useDocument,
  useMap,
  useOthers,
  usePresence,
  useSelf,
  useSignal,
  useSpace,
  type DocumentView,
  type Member,
  type SpaceSnapshot,
  type User,
} from './index.ts'
import * as suspense from './suspense/index.ts'

type Tool = { readonly tool: 'pen' | 'eraser' }
type Employee = User & { readonly team: string }
type Meta = { readonly title: string; readonly tags: readonly string[] }

// Only their types are asked for: a hook is called while rendering.
const hooks = () => typedHooks<Tool, Employee>()
type Hooks = ReturnType<typeof hooks>

test('presence and users are those of the application', () => {
  type Others = ReturnType<Hooks['useOthers']>
  expectTypeOf<Member<Tool, Employee>['presence']['tool']>().toEqualTypeOf<
    'pen' | 'eraser' | undefined
  >()
  expectTypeOf<Member<Tool, Employee>['user']>().toEqualTypeOf<Employee | null>()
  const typed = (given: Hooks) => ({
    teams: given.useOthers(others => others.map(({ user }) => user?.team)),
    all: given.useOthers(),
    tool: given.useSelf(self => self?.presence.tool),
    set: given.usePresence({ tool: 'pen' })[1],
  })
  type Typed = ReturnType<typeof typed>
  expectTypeOf<Typed['teams']>().toEqualTypeOf<(string | undefined)[]>()
  expectTypeOf<Typed['all']>().toEqualTypeOf<readonly Member<Tool, Employee>[]>()
  expectTypeOf<Typed['tool']>().toEqualTypeOf<'pen' | 'eraser' | undefined>()
  expectTypeOf<Typed['set']>().toBeCallableWith({ tool: 'eraser' })
  expectTypeOf<Typed['set']>().toBeCallableWith({ tool: undefined })
  // @ts-expect-error -- no such tool
  expectTypeOf<Typed['set']>().toBeCallableWith({ tool: 'brush' })
  expectTypeOf<Others>().not.toBeAny()
})

test('a space has the people of the application', () => {
  const typed = (given: Hooks) => ({
    space: given.useSpace('acme/plan'),
    teams: given.useSpace('acme/plan', ({ others }) => others.map(({ user }) => user?.team)),
    plain: useSpace('acme/plan'),
    ready: suspense.useSpace('acme/plan', ({ people }) => people.length),
  })
  type Typed = ReturnType<typeof typed>
  expectTypeOf<Typed['space']['self']>().toEqualTypeOf<Member<Tool, Employee> | null>()
  expectTypeOf<Typed['teams']>().toEqualTypeOf<(string | undefined)[]>()
  expectTypeOf<Typed['plain']>().toEqualTypeOf<SpaceSnapshot>()
  expectTypeOf<Typed['ready']>().toEqualTypeOf<number>()
})

test('without saying so they are what the components look at', () => {
  const plain = () => ({
    others: useOthers(),
    count: useOthers(others => others.length),
    self: useSelf(),
    set: usePresence()[1],
    given: usePresence<Tool>()[0],
    connection: useConnection(),
  })
  type Plain = ReturnType<typeof plain>
  expectTypeOf<Plain['others']>().toEqualTypeOf<readonly Member[]>()
  expectTypeOf<Plain['count']>().toEqualTypeOf<number>()
  expectTypeOf<Plain['self']>().toEqualTypeOf<Member | null>()
  expectTypeOf<Plain['set']>().toBeCallableWith({ status: 'busy' })
  // @ts-expect-error -- no such status
  expectTypeOf<Plain['set']>().toBeCallableWith({ status: 'asleep' })
  expectTypeOf<Plain['given']>().toEqualTypeOf<Partial<Tool>>()
  expectTypeOf<Plain['connection']>().toEqualTypeOf<'connecting' | 'connected' | 'disconnected'>()
})

test('shared types: data, and what to write to; never null where it suspends', () => {
  const data = () => ({
    meta: useMap<Meta>('meta'),
    title: useMap('meta', (meta: Partial<Meta>) => meta.title),
    tasks: useArray<Meta>('tasks'),
    document: useDocument(),
    guid: useDocument('acme/notes', view => view?.doc.guid),
    ready: suspense.useDocument(),
    readyTasks: suspense.useArray<Meta>('tasks'),
  })
  type Data = ReturnType<typeof data>
  expectTypeOf<Data['meta']['data']['title']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Data['title']['data']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Data['tasks']['data']>().toEqualTypeOf<readonly Meta[]>()
  expectTypeOf<Data['tasks']['type']>().toEqualTypeOf<Y.Array<Meta> | null>()
  expectTypeOf<Data['document']>().toEqualTypeOf<DocumentView | null>()
  expectTypeOf<Data['guid']>().toEqualTypeOf<string | undefined>()
  expectTypeOf<Data['ready']>().toEqualTypeOf<DocumentView>()
  expectTypeOf<Data['readyTasks']['type']>().toEqualTypeOf<Y.Array<Meta>>()
})

type Signals = {
  readonly 'chat.message': { readonly text: string }
  readonly 'chat.wave': null
  readonly ping: number
}

test('signals: each type with its data, by pattern too', () => {
  const typed = typedHooks<Tool, Employee, Signals>
  type Typed = ReturnType<typeof typed>['useSignal']
  const heard = (hear: Typed) => {
    hear('chat.message', ({ type, data, from }) => {
      expectTypeOf(type).toEqualTypeOf<'chat.message'>()
      expectTypeOf(data).toEqualTypeOf<{ readonly text: string }>()
      expectTypeOf(from.id).toEqualTypeOf<string>()
    })
    hear('acme/notes', 'chat.*', signal => {
      expectTypeOf(signal.type).toEqualTypeOf<'chat.message' | 'chat.wave'>()
      if (signal.type === 'chat.wave') expectTypeOf(signal.data).toEqualTypeOf<null>()
      else expectTypeOf(signal.data.text).toEqualTypeOf<string>()
    })
    // @ts-expect-error -- no such type: nothing would ever be heard
    hear('chat.nope', () => {})
    return hear(undefined, '*', ({ type }) => {
      expectTypeOf(type).toEqualTypeOf<keyof Signals>()
    })
  }
  type Send = ReturnType<typeof heard>
  const sent = (send: Send) => {
    void send('chat.message', { text: 'hi' }, { topic: 'chat.general' })
    void send('chat.wave', null)
    // @ts-expect-error -- no such data
    void send('chat.message', { words: 'hi' })
    // @ts-expect-error -- no such type
    void send('chat.massage', { text: 'hi' })
    // @ts-expect-error -- nobody of that kind
    return send('ping', 1, { everybody: true })
  }
  expectTypeOf<Awaited<ReturnType<typeof sent>>['receivers']>().toEqualTypeOf<number>()
  const plain = () => ({
    send: useSignal('chat.message', ({ type, data }) => {
      expectTypeOf(type).toEqualTypeOf<string>()
      expectTypeOf(data).toEqualTypeOf<unknown>()
    }),
    alone: useSignal(),
  })
  expectTypeOf<ReturnType<typeof plain>['send']>().toBeCallableWith('any', { of: 'it' })
  expectTypeOf<ReturnType<typeof plain>['alone']>().toBeCallableWith('any')
})
