/** The assistant as a program: `npm run assistant -- --space welcome --page getting-started`. */
import { parseArgs } from 'node:util'
import { FIRST_PAGE } from '../space-index.ts'
import { createAgentClient } from './agent-client.ts'
import { runAssistant } from './assistant.ts'

const USAGE = `usage: npm run assistant -- [--url http://127.0.0.1:8080] [--space welcome] [--page ${FIRST_PAGE.id}] [--undo]
A page is named as in the address of the workspace, #/<space>/<page>; --undo takes back at once what was written.
`

function readArgs() {
  try {
    return parseArgs({
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:8080' },
        space: { type: 'string', default: 'welcome' },
        page: { type: 'string', default: FIRST_PAGE.id },
        undo: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    process.exit(64)
  }
}

const values = readArgs()
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
  const sentence = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${sentence} (${url}; is it running? --url names another)\n`)
  process.exitCode = 1
}
await client.close()
