/** The public list of `weft/client`. */
export { AccessRequest } from './access/access-request.ts'
export type {
  ClientAccess,
  DecisionOrder,
  ExplainQuery,
  GrantOrder,
  GrantsQuery,
  RequestOrder,
  RequestsQuery,
} from './access/client-access.ts'
export type { FetchLike } from './access/rest-caller.ts'
export { editorAwareness } from './editor-awareness.ts'
export { createClient, type ClientLife, type WeftClient } from './client.ts'
export type { ClientOptions } from './client-parts.ts'
export type { ConnectionState } from './connection-state.ts'
export { DocumentHandle } from './document-handle.ts'
export type { Access, DocumentStatus } from './document-status.ts'
export type { Readable } from './observable.ts'
export type { OfflineCopies, OfflineDocument } from './offline/offline-copies.ts'
export type { AsideCopy, OfflineStore } from './offline/offline-store.ts'
export type { PersistenceState, StorageProblem } from './offline/storage-problem.ts'
export { UnsentChangesError, type UnsentDocument } from './offline/unsent-changes-error.ts'
export type { DocumentState } from './open-document.ts'
export type { SaveState } from './save-state.ts'
export type { SignalListener, SignalReceipt } from './signals/signal-desk.ts'
export type { SignalAudience, SignalEnvelope, SignalSender } from '../../shared/signals.ts'
export type { ActivitySource } from './status/activity-source.ts'
export type { ClientStatus } from './status/own-status.ts'
export type { ClientSpaces, PageOrder, SpaceTermsOrder } from './spaces/client-spaces.ts'
export { SpaceHandle } from './spaces/space-handle.ts'
export type { TabsEnvironment } from './tabs/environment.ts'
export type { TokenOption } from './token-source.ts'
export { WeftError, type ErrorCode, type WireError } from '../../shared/errors.ts'
export type {
  AccessRequestView,
  DecisionView,
  ExplainView,
  GrantView,
  RequestDecision,
  RequestStatus,
} from '../../shared/access-views.ts'
export type {
  DeviceView,
  JoinedView,
  SpaceDetailsView,
  SpaceMemberView,
  SpaceView,
} from '../../shared/space-views.ts'
export { personColors, type Person } from '../../shared/person.ts'
export {
  joinPeople,
  presenceFields,
  presenceStatuses,
  readPresenceFields,
} from '../../shared/presence.ts'
export type {
  Activity,
  PresenceFields,
  PresenceState,
  PresenceStatus,
  PresentPerson,
} from '../../shared/presence.ts'
