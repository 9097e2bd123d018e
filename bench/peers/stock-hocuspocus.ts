/** The peer: @hocuspocus/server 4.7 with its own SQLite extension, as its documentation sets it up. */
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'
import * as Y from 'yjs'

const [port = '0', database = 'db.sqlite'] = process.argv.slice(2)
let storedBytes = 0
let stores = 0

const server = new Server({
  port: Number(port),
  address: '127.0.0.1',
  quiet: true,
  extensions: [new SQLite({ database })],
  // As its documentation has it; the sender is told too.
  onStateless({ document, payload }) {
    document.broadcastStateless(payload)
    return Promise.resolve()
  },
  onStoreDocument({ document }) {
    // What the extension has just written for this document.
    storedBytes += Y.encodeStateAsUpdate(document).byteLength
    stores += 1
    return Promise.resolve()
  },
})

await server.listen()
console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address.port}` }))
process.on('SIGUSR2', () => console.log(JSON.stringify({ storedBytes, stores })))
