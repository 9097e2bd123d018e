/** A page of the documents that somebody may read. */
import type { DocumentName } from '../../shared/names.ts'
import type { Principal } from '../../shared/permissions.ts'
import { systemName } from '../../shared/system-names.ts'
import type { Situation } from '../access/pass.ts'
import type { DocumentHead } from '../journal/journal.ts'
import type { RestOptions } from './rest-env.ts'

/** How many pages of the store one request looks through for documents that the asker may read. */
const SCAN_PAGES_MAX = 20

type Asker = { readonly principal: Principal; readonly situation: Situation }
type PageQuery = { readonly prefix: string; readonly after: string; readonly limit: number }

/** Looks through the store until the page is full of documents that the principal may read. */
export async function readablePage(
  { documents, gatekeeper }: Pick<RestOptions, 'documents' | 'gatekeeper'>,
  { principal, situation }: Asker,
  query: PageQuery,
): Promise<{ readonly heads: readonly DocumentHead[]; readonly next: DocumentName | null }> {
  const heads: DocumentHead[] = []
  const read = await gatekeeper.reader(principal, situation)
  let { after } = query
  for (let page = 0; page < SCAN_PAGES_MAX; page++) {
    const found = await documents.list({ ...query, after })
    const names = found.map(({ name }) => name)
    const readable = await read(names)
    for (const head of found) {
      after = head.name
      // The system's own are no documents of the application.
      if (!readable.has(head.name) || systemName(head.name) !== undefined) continue
      heads.push(head)
      if (heads.length === query.limit) return { heads, next: head.name }
    }
    if (found.length < query.limit) return { heads, next: null }
  }
  return { heads, next: after as DocumentName }
}
