/** A page of the documents that somebody may read. */
import type { DocumentName } from '../../shared/names.ts'
import type { Principal } from '../../shared/permissions.ts'
import { systemName } from '../../shared/system-names.ts'
import { SCAN_PAGES_MAX, tooManyOthers } from '../features/list-scan.ts'
import type { Situation } from '../access/pass.ts'
import type { DocumentHead } from '../journal/journal.ts'
import type { RestOptions } from './rest-env.ts'

/** Read from the store at once, however few are wanted: others may have very many. */
const SCAN_PAGE = 1_000

type Asker = { readonly principal: Principal; readonly situation: Situation }
type PageQuery = { readonly prefix: string; readonly after: string; readonly limit: number }

/**
 * Looks through the store until the page is full of documents that the principal may read. Throws
 * REQUEST_INVALID when there are too many others in between: no cursor tells one of their names.
 */
export async function readablePage(
  { documents, gatekeeper }: Pick<RestOptions, 'documents' | 'gatekeeper'>,
  { principal, situation }: Asker,
  query: PageQuery,
): Promise<{ readonly heads: readonly DocumentHead[]; readonly next: DocumentName | null }> {
  const heads: DocumentHead[] = []
  const read = await gatekeeper.reader(principal, situation)
  const scan = { ...query, limit: SCAN_PAGE }
  let { after } = query
  for (let page = 0; page < SCAN_PAGES_MAX; page++) {
    const found = await documents.list({ ...scan, after })
    const names = found.map(({ name }) => name)
    const readable = await read(names)
    for (const head of found) {
      after = head.name
      // The system's own are no documents of the application.
      if (!readable.has(head.name) || systemName(head.name) !== undefined) continue
      heads.push(head)
      if (heads.length === query.limit) return { heads, next: head.name }
    }
    if (found.length < SCAN_PAGE) return { heads, next: null }
  }
  const last = heads.at(-1)
  if (last === undefined) throw tooManyOthers('space')
  return { heads, next: last.name }
}
