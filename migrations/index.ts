/** The migrations in their order. A new one is added at the end; an old one is never edited. */
import type { Kysely } from 'kysely'
import type { Dialect } from './dialect.ts'
import * as journal from './001-journal.ts'
import * as requestsAndSchema from './002-requests-and-schema.ts'
import * as handedOverStates from './003-handed-over-states.ts'
import * as postgresJournal from './004-postgres-journal.ts'
import * as access from './005-access.ts'
import * as audit from './006-audit.ts'
import * as tokens from './007-tokens.ts'
import * as requests from './008-requests.ts'
import * as presence from './009-presence.ts'
import * as spaces from './010-spaces.ts'

export type Migration = {
  readonly name: string
  readonly up: (db: Kysely<unknown>, dialect: Dialect) => Promise<void>
  readonly down: (db: Kysely<unknown>, dialect: Dialect) => Promise<void>
}

export const migrations: readonly Migration[] = [
  { name: '001-journal', ...journal },
  { name: '002-requests-and-schema', ...requestsAndSchema },
  { name: '003-handed-over-states', ...handedOverStates },
  { name: '004-postgres-journal', ...postgresJournal },
  { name: '005-access', ...access },
  { name: '006-audit', ...audit },
  { name: '007-tokens', ...tokens },
  { name: '008-requests', ...requests },
  { name: '009-presence', ...presence },
  { name: '010-spaces', ...spaces },
]
