/** The refusals of spaces and signals: a part of the table in `error-rows.ts`. */
import type { ErrorRow } from './error-rows.ts'

export const spaceRows = {
  SPACE_NOT_FOUND: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'Create it with POST /v1/spaces.',
  },
  SPACE_EXISTS: {
    closeCode: 4409,
    status: 409,
    retryable: false,
    hint: 'Join it, or choose another name.',
  },
  SPACE_FULL: {
    closeCode: 4509,
    status: 503,
    retryable: true,
    hint: 'Come back when somebody has left, or let its owner raise maxSize.',
  },
  SPACE_CLOSED: {
    closeCode: 4410,
    status: 410,
    retryable: false,
    hint: 'Its time is over, or its owner closed it; PATCH /v1/spaces/{name} opens it again; clients then ask with retry().',
  },
  SIGNAL_INVALID: {
    closeCode: 4422,
    status: 422,
    retryable: false,
    hint: 'A type is words of A-Z a-z 0-9 _ - joined by dots; which there are, and what is in them, the hook `signals` may declare.',
  },
  SIGNAL_TOO_LARGE: {
    closeCode: 4413,
    status: 413,
    retryable: false,
    hint: 'Signals are small; put what is large into a document.',
  },
  TOPIC_UNKNOWN: {
    closeCode: 4404,
    status: 404,
    retryable: false,
    hint: 'The hook `signals` of the application declares which topics there are; follow or name one of those.',
  },
} as const satisfies Record<string, ErrorRow>
