/** Builds the parts of a client, in order, and hands each its neighbours. */
import { systemClock, type Clock } from '../../shared/clock.ts'
import { systemRandom, type Random } from '../../shared/random.ts'
import type { SchemaRange } from '../../shared/protocol.ts'
import { systemName } from '../../shared/system-names.ts'
import { createClientAccess, type ClientAccess } from './access/client-access.ts'
import { RestCaller, type FetchLike } from './access/rest-caller.ts'
import { Connection } from './connection.ts'
import { Connections } from './connections.ts'
import { deviceId, withDevice } from './device-id.ts'
import { BackgroundVisits } from './offline/background-visits.ts'
import { Caretaker } from './offline/caretaker.ts'
import { IndexedDbStore } from './offline/indexed-db-store.ts'
import { MemoryStore } from './offline/memory-store.ts'
import type { OfflineStore } from './offline/offline-store.ts'
import { StorageHealth } from './offline/storage-health.ts'
import { UnstoredAsides } from './offline/unstored-asides.ts'
import { OpenDocument } from './open-document.ts'
import { OpenDocuments } from './open-documents.ts'
import { createClientSpaces, type ClientSpaces } from './spaces/client-spaces.ts'
import { syncUrl, type SocketConstructor } from './socket.ts'
import { browserActivity, type ActivitySource } from './status/activity-source.ts'
import { IdleWatch } from './status/idle-watch.ts'
import { OwnStatus } from './status/own-status.ts'
import { browserTabs, type TabsEnvironment } from './tabs/environment.ts'
import { sharedSocket } from './tabs/shared-socket.ts'
import { joinTabs, loneTab, type TabGroup } from './tabs/tab-group.ts'
import { TokenSource, type TokenOption } from './token-source.ts'
import { browserWake, type WakeSource } from './wake.ts'

export type ClientOptions = {
  /** The server: `https://host`, `wss://host/sync`, or a path of the page's own host. */
  readonly url: string
  /** A token, or a function that is asked for one on each connect. */
  readonly token: TokenOption
  /** Whose copies this device keeps: one store a user. Anything stable, such as the token's `sub`. */
  readonly user?: string
  /** The token's `tenant`, where tokens have one: of two tenants the same id is two people. */
  readonly tenant?: string
  /** Where copies are kept; by default IndexedDB in browsers, memory elsewhere. */
  readonly offline?: 'indexeddb' | 'memory' | OfflineStore
  /**
   * Versions of the application's schema that this build understands. A document beyond them can be
   * read and not written; one before them is brought up by the server, where it knows how.
   */
  readonly schema?: SchemaRange
  /** How tabs of one user find each other; by default as browsers do, and only with IndexedDB. */
  readonly tabs?: TabsEnvironment | 'alone'
  /** Tabs that find each other have one socket together, the leader's. `false`: one each. */
  readonly sharedSocket?: boolean
  /** What the server counts as one device, 1-64 of A-Z a-z 0-9 . _ ~ -; by default the browser keeps one. */
  readonly device?: string
  /** What people call this device, such as `Ada's laptop`; shown to the user's other devices. */
  readonly deviceName?: string
  /** For places without a global WebSocket. */
  readonly WebSocket?: SocketConstructor
  /** For places without a global fetch; questions of access go over it. */
  readonly fetch?: FetchLike
  /** After so long without a sign of anybody, in all tabs, the own status is `away`; 5 minutes. */
  readonly awayAfterMs?: number
  /** Signs that somebody is at the device; by default the browser's events, in Node there are none. */
  readonly activity?: ActivitySource
  readonly clock?: Clock
  readonly random?: Random
  readonly wake?: WakeSource
}

const AWAY_AFTER_MS = 5 * 60_000

export type ClientParts = {
  readonly clock: Clock
  readonly store: OfflineStore
  readonly tabs: TabGroup
  readonly health: StorageHealth
  readonly connections: Connections
  /** The first of them, which stands for all. */
  readonly connection: Connection
  readonly documents: OpenDocuments
  readonly visits: BackgroundVisits
  readonly unstored: UnstoredAsides
  readonly caretaker: Caretaker
  readonly status: OwnStatus
  readonly idle: IdleWatch | undefined
  readonly access: ClientAccess
  readonly spaces: ClientSpaces
  /** Ends what still waits for answers of access. */
  readonly endAccess: () => void
}

export function createParts(options: ClientOptions): ClientParts {
  const { clock = systemClock, random = systemRandom, wake = browserWake } = options
  const url = syncUrl(options.url)
  const scope = `weft ${new URL(url).host} ${options.user ?? ''}`.trim()
  const tokens = new TokenSource(options.token)
  const { store, environment } = chooseStore(options, scope, clock)
  const tabs = environment === undefined ? loneTab() : joinTabs(scope, random.id(), environment)
  const given = options.WebSocket ?? (globalThis.WebSocket as SocketConstructor)
  if (typeof given !== 'function') {
    throw new TypeError('there is no WebSocket here: give one as the option `WebSocket`')
  }
  const device = { id: options.device ?? deviceId(random), name: options.deviceName }
  const ownSocket = withDevice(given, device)
  const sharing = { url, scope, tabs, socket: ownSocket, clock, random }
  const isShared = options.sharedSocket !== false
  const socket =
    isShared && environment !== undefined ? sharedSocket({ ...sharing, environment }) : ownSocket
  const health = new StorageHealth()
  const network = { url, clock, random, wake, onConnecting: () => tokens.forget() }
  const connection = new Connection({ ...network, socket })
  // Tabs share one socket; what has no room on it goes over one of this tab's own.
  const connections = new Connections(
    connection,
    () => new Connection({ ...network, socket: ownSocket }),
  )
  const unstored = new UnstoredAsides()
  // Of a space there is nothing to keep.
  const nowhere = new MemoryStore()
  const documents = new OpenDocuments(
    (name, ready) =>
      new OpenDocument({
        name,
        ready,
        connections,
        tokens,
        store: systemName(name)?.kind === 'space' ? nowhere : store,
        clock,
        random,
        tabs,
        unstored,
        schema: options.schema,
        onStorageProblem: problem => health.report(name, problem),
        onShown: awareness => status.show(awareness),
      }),
  )
  const { idle, status } = createStatus(options, { clock, tabs, documents })
  const visits = new BackgroundVisits({ documents, connection, clock })
  const ending = new AbortController()
  const fetch = options.fetch ?? ((address, init) => globalThis.fetch(address, init))
  const rest = new RestCaller({ socketUrl: url, tokens, fetch })
  const access = createClientAccess({ rest, documents, clock, random, end: ending.signal })
  const spaces = createClientSpaces(rest)
  const own = {
    store,
    documents,
    visits,
    health,
    tabs,
    clock,
    unstored,
    access,
    spaces,
    idle,
    status,
  }
  const parts = { ...own, connections, connection, endAccess: () => ending.abort() }
  return { ...parts, caretaker: new Caretaker(parts) }
}

function createStatus(
  { awayAfterMs = AWAY_AFTER_MS, activity }: ClientOptions,
  { clock, tabs, documents }: Pick<ClientParts, 'clock' | 'tabs' | 'documents'>,
): Pick<ClientParts, 'idle' | 'status'> {
  const source = activity ?? browserActivity()
  const idle =
    source === undefined ? undefined : new IdleWatch({ clock, tabs, source, awayAfterMs })
  const awarenesses = () =>
    Array.from(documents.all().values(), ({ state }) => state.get().awareness)
  return { idle, status: new OwnStatus({ tabs, idle, awarenesses }) }
}

type Storage = { readonly store: OfflineStore; readonly environment?: TabsEnvironment | undefined }

/** Tabs share copies, so only with copies that are shared do they have to find each other. */
function chooseStore(options: ClientOptions, scope: string, clock: Clock): Storage {
  const isBrowser = typeof indexedDB !== 'undefined' || typeof document !== 'undefined'
  const { offline = isBrowser ? 'indexeddb' : 'memory', tabs } = options
  const given = tabs === 'alone' ? undefined : tabs
  if (typeof offline === 'object') return { store: offline, environment: given }
  if (offline === 'memory') return { store: new MemoryStore(), environment: given }
  const environment = tabs === 'alone' ? undefined : (tabs ?? browserTabs())
  return { store: new IndexedDbStore(scope, clock), environment }
}
