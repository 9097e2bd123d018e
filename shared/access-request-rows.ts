/** The refusals of requests for access: a part of the table in `error-rows.ts`. */
import type { ErrorRow } from './error-rows.ts'

export const accessRequestRows = {
  ACCESS_REQUEST_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'GET /v1/access-requests lists those that you made, or may decide on.',
  },
  ACCESS_REQUEST_OPEN: {
    closeCode: 4409,
    status: 409,
    retryable: false,
    hint: 'You have asked for this already; wait for the answer, or cancel what you asked.',
  },
  ACCESS_REQUEST_DECIDED: {
    closeCode: 4409,
    status: 409,
    retryable: false,
    hint: 'It does not wait for this answer any more; GET /v1/access-requests/{id} shows how it stands.',
  },
  ACCESS_POLICY_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'Exactly this pattern has no policy; the nearest one above it counts, or the default.',
  },
} as const satisfies Record<string, ErrorRow>
