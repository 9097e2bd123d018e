/** The table of all refusals: what each means on sockets and REST, and what to do about it. */
import { accessRequestRows } from './access-request-rows.ts'
import { spaceRows } from './space-rows.ts'

export type ErrorRow = {
  /** WebSocket close code. 44xx: the application must act. 45xx and 1011-1013: try again. */
  readonly closeCode: number
  /** HTTP status of the same refusal. */
  readonly status: number
  readonly retryable: boolean
  /** What the receiver can do about it, for whoever reads a log at night. */
  readonly hint: string
}

export const rows = {
  NAME_INVALID: {
    closeCode: 4400,
    status: 400,
    retryable: false,
    hint: 'Use 1-255 characters: segments of A-Z a-z 0-9 . _ ~ - joined by single slashes.',
  },
  NAME_RESERVED: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'Names that begin with ~ belong to the system; choose another first segment.',
  },
  REQUEST_INVALID: {
    closeCode: 4400,
    status: 400,
    retryable: false,
    hint: 'Compare the request with /v1/openapi.json.',
  },
  FRAME_INVALID: {
    closeCode: 4400,
    status: 400,
    retryable: false,
    hint: 'Send binary frames of the Hocuspocus v4 protocol on /sync, of y-websocket on /y/.',
  },
  FRAME_TOO_LARGE: {
    closeCode: 4413,
    status: 413,
    retryable: false,
    hint: 'Split the change into smaller updates, or raise WEFT_MAX_FRAME_BYTES.',
  },
  UPDATE_INVALID: {
    closeCode: 4400,
    status: 400,
    retryable: false,
    hint: 'The bytes are not a Yjs update (format v1) that this server can read.',
  },
  UPDATE_TOO_LARGE: {
    closeCode: 4413,
    status: 413,
    retryable: false,
    hint: 'Split the change into smaller updates, or raise WEFT_MAX_UPDATE_BYTES.',
  },
  DOCUMENT_TOO_LARGE: {
    closeCode: 4413,
    status: 413,
    retryable: false,
    hint: 'Start a new document, or raise WEFT_MAX_DOCUMENT_BYTES.',
  },
  TOKEN_MISSING: {
    closeCode: 4401,
    status: 401,
    retryable: false,
    hint: 'Give a token: as the provider option, as ?token= on /y/, as Bearer on REST.',
  },
  TOKEN_INVALID: {
    closeCode: 4401,
    status: 401,
    retryable: false,
    hint: 'Check signature, algorithm, issuer and audience against the server settings.',
  },
  TOKEN_EXPIRED: {
    closeCode: 4401,
    status: 401,
    retryable: false,
    hint: 'Get a fresh token and connect again; the sdk does so by itself.',
  },
  TOKEN_REVOKED: {
    closeCode: 4401,
    status: 401,
    retryable: false,
    hint: 'The token, or what it was made with, was taken back; sign in again.',
  },
  KEY_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'GET /v1/keys lists the API keys and what became of them.',
  },
  FORBIDDEN: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'Neither the token nor a grant in the store allows this; GET /v1/access/explain says why, POST /v1/access-requests asks for it.',
  },
  PATH_FORBIDDEN: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'The grant covers a part of the document; undo what is outside of it, or ask an owner.',
  },
  ORIGIN_FORBIDDEN: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'Add the address of the page to WEFT_ORIGINS.',
  },
  ADDRESS_FORBIDDEN: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'WEFT_ALLOW_ADDRESSES and WEFT_DENY_ADDRESSES say from where one may connect.',
  },
  ROUTE_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'Sockets connect to /sync or /y/<document name>; REST lives under /v1, where the slashes of a name are written %2F.',
  },
  GRANT_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'It was taken back, or its end has come; GET /v1/grants lists what is in force.',
  },
  ...accessRequestRows,
  ...spaceRows,
  DOCUMENT_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'Nobody who may write has opened this document yet.',
  },
  DOCUMENT_DELETED: {
    closeCode: 4404,
    status: 410,
    retryable: false,
    hint: 'The local copy is kept and can be exported; PUT the name to start a new document.',
  },
  INCARNATION_MISMATCH: {
    closeCode: 4409,
    status: 409,
    retryable: false,
    hint: 'The document was deleted and made anew: set the old copy aside, then open it again.',
  },
  PRECONDITION_FAILED: {
    closeCode: 4412,
    status: 412,
    retryable: false,
    hint: 'The document has changed; `current` shows it. Decide anew and send its etag.',
  },
  EDIT_CONFLICT: {
    closeCode: 4412,
    status: 409,
    retryable: false,
    hint: 'The content is not what the edit expects; read it again.',
  },
  REQUEST_REPEATED: {
    closeCode: 4412,
    status: 422,
    retryable: false,
    hint: 'This Idempotency-Key belongs to another request; choose a new one for each request.',
  },
  DISCONNECTED: {
    closeCode: 4500,
    status: 503,
    retryable: true,
    hint: 'Somebody who runs the server closed this connection; coming back is allowed.',
  },
  SEQ_CONFLICT: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'Somebody else wrote in between; the same request, sent again, finds the document as it is.',
  },
  SCHEMA_CONFLICT: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'The schema of the document moved on this very moment; try again.',
  },
  UPGRADE_REQUIRED: {
    closeCode: 4426,
    status: 426,
    retryable: false,
    hint: 'This client does not understand the schema of the document; load a newer version of it.',
  },
  REPLICAS_DIFFER: {
    closeCode: 4409,
    status: 409,
    retryable: false,
    hint: 'Client and server disagree, and syncing does not mend it. Export the copy, then reload.',
  },
  CLIENT_ID_TAKEN: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'The Yjs client id of the change belongs to somebody else; make a new Y.Doc.',
  },
  HOOK_FAILED: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'A hook of the application failed or took too long; the server log says which.',
  },
  DOCUMENT_DAMAGED: {
    closeCode: 4422,
    status: 500,
    retryable: false,
    hint: 'Stored bytes fail their check. Run `weft inspect <document>` on the server.',
  },
  DOCUMENT_UNAVAILABLE: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'The document, or the way to it, is not to be had just now; try again.',
  },
  JOURNAL_UNAVAILABLE: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'The store does not take writes just now; nothing is acknowledged until it does.',
  },
  JOURNAL_FULL: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'More waits to be stored than the server may hold; keep the change and try later.',
  },
  DEPENDENCY_UNAVAILABLE: {
    closeCode: 4503,
    status: 503,
    retryable: true,
    hint: 'A service that the server needs keeps failing; it is asked again by and by. GET /v1/admin/circuit-breakers says which.',
  },
  SHUTTING_DOWN: {
    closeCode: 1012,
    status: 503,
    retryable: true,
    hint: 'The server restarts; connect again.',
  },
  TOO_MANY_CONNECTIONS: {
    closeCode: 4529,
    status: 503,
    retryable: true,
    hint: 'The server is full (WEFT_MAX_CONNECTIONS); try later or another node.',
  },
  TOO_MANY_DOCUMENTS: {
    closeCode: 4529,
    status: 429,
    retryable: true,
    hint: 'Close documents that are not needed, or raise WEFT_MAX_DOCUMENTS_PER_CONNECTION or _PER_USER.',
  },
  TOO_MANY_DEVICES: {
    closeCode: 4403,
    status: 403,
    retryable: false,
    hint: 'Close weft on another device, then connect again; WEFT_MAX_DEVICES_PER_USER says how many.',
  },
  SLOW_DOWN: {
    closeCode: 4529,
    status: 429,
    retryable: true,
    hint: 'Send less at once, or read faster, and try again after a while (retryAfterMs).',
  },
  INTERNAL: {
    closeCode: 1011,
    status: 500,
    retryable: true,
    hint: 'A bug or a bad day of the server; its log has a line with this request.',
  },
} as const satisfies Record<string, ErrorRow>
