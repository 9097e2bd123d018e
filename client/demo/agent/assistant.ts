/**
 * An agent that comes to a page, says that it is there, writes what it found, and goes. It needs the
 * client alone, in Node as in a browser: an agent is a user whose token says `kind: agent`.
 */
import * as Y from 'yjs'
import { sleep, systemClock, type Clock } from '../../../shared/clock.ts'
import type { DocumentHandle, WeftClient } from '../../sdk/index.ts'
import {
  createPage,
  indexName,
  kindOfId,
  pageName,
  readPages,
  removePage,
  type PageEntry,
} from '../space-index.ts'
import { reportOn } from './report.ts'
import { writeReport } from './writer.ts'

export type AssistantOrder = {
  /** Its own; closed by whoever made it. */
  readonly client: WeftClient
  readonly space: string
  /** The id of the page that it reads. */
  readonly page: string
  /** Stops it, wherever it is. */
  readonly signal: AbortSignal
  readonly clock?: Clock
  /** It writes on this page from now on. */
  readonly onWriting?: (page: string) => void
}

export type AssistantResult = {
  readonly outcome: 'done' | 'stopped'
  /** The id of the page that it wrote on. */
  readonly page: string
  /** The id of the page that it read. */
  readonly source: string
  /** Takes back what it wrote, with what others wrote into the middle of it, and nothing else. */
  readonly undo: () => Promise<void>
}

const PATIENCE_MS = 10_000

/** On a text it writes a summary; of a board or of code it makes a list on a page of its own. */
export async function runAssistant(order: AssistantOrder): Promise<AssistantResult> {
  const { client, space, page, signal, clock = systemClock, onWriting } = order
  const open = async (name: string) => {
    const handle = client.open(name)
    await reach(handle, { clock, signal })
    return handle
  }
  client.status.choose('busy')
  const { handle: here } = client.space(space)
  await reach(here, { clock, signal })
  const index = await open(indexName(space))
  const source = await open(pageName(space, page))
  const entry = readPages(index.doc).find(({ id }) => id === page) ?? unlisted(page)
  const report = reportOn(source.doc, entry)
  const isOwnPage = entry.kind !== 'text'
  const target = isOwnPage ? createPage(index.doc, 'text', report.title) : page
  const paper = isOwnPage ? await open(pageName(space, target)) : source
  tell(here, { viewing: target, activity: { kind: 'writing', target }, typing: true })
  tell(paper, { activity: { kind: 'writing' }, typing: true })
  onWriting?.(target)

  const origin = { name: 'assistant' }
  const body = paper.doc.getXmlFragment('body')
  const steps = new Y.UndoManager(body, {
    trackedOrigins: new Set([origin]),
    captureTimeout: Number.MAX_SAFE_INTEGER,
  })
  const { doc, awareness } = paper
  await writeReport(report, { doc, awareness, origin, clock, signal })
  // It has left, and can still be asked to take it back.
  for (const { awareness: seen } of [here, paper, source]) seen.setLocalState(null)
  return {
    outcome: signal.aborted ? 'stopped' : 'done',
    page: target,
    source: page,
    async undo() {
      steps.undo()
      if (isOwnPage) removePage(index.doc, target)
      await Promise.race([
        Promise.all([paper.whenSaved(), index.whenSaved()]),
        sleep(clock, PATIENCE_MS),
      ])
    },
  }
}

function unlisted(id: string): PageEntry {
  return { id, kind: kindOfId(id), title: '', createdAt: 0 }
}

function tell({ awareness }: DocumentHandle, fields: { readonly [field: string]: unknown }): void {
  awareness.setLocalState({ ...awareness.getLocalState(), ...fields })
}

type Patience = { readonly clock: Clock; readonly signal: AbortSignal }

/** Rejects when the server refuses, does not answer, or the order is taken back. */
async function reach(handle: DocumentHandle, { clock, signal }: Patience): Promise<void> {
  const outcome = await Promise.race([
    handle.whenSynced().then(() => 'open' as const),
    sleep(clock, PATIENCE_MS, signal).then(() => 'late' as const),
  ])
  if (signal.aborted) throw new Error('it was stopped before it began')
  if (outcome === 'late') throw new Error('the server did not answer in time')
}
