/** The assistant as a program: `npm run assistant -- --space welcome --page getting-started`. */
import { parseArgs } from 'node:util'
import { FIRST_PAGE } from '../space-index.ts'
import { createAgentClient } from './agent-client.ts'
import { runAssistant } from './assistant.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    space: { type: 'string', default: 'welcome' },
    page: { type: 'string', default: FIRST_PAGE.id },
    undo: { type: 'boolean', default: false },
  },
})
const { url, space, page } = values
const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const client = createAgentClient({ url, space, owner: 'shell' })
try {
  const {
    outcome,
    page: written,
    undo,
  } = await runAssistant({
    client,
    space,
    page,
    signal: stop.signal,
    onWriting: target => process.stdout.write(`writing on ${url}/#/${space}/${target}\n`),
  })
  if (values.undo) await undo()
  process.stdout.write(`${values.undo ? 'taken back' : outcome}: ${written}\n`)
  const handle = client.open(`${space}/pages/${written}`)
  await handle.whenSaved()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
await client.close()
