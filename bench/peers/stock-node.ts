/**
 * The peer of several nodes: @hocuspocus/server 4.7 with its own Redis extension, and its database
 * extension on Postgres, as its documentation sets them up.
 */
import { Database } from '@hocuspocus/extension-database'
import { Redis } from '@hocuspocus/extension-redis'
import { Server } from '@hocuspocus/server'
import { Pool } from 'pg'

const [redisPort = '6379', databaseUrl = ''] = process.argv.slice(2)
const pool = new Pool({ connectionString: databaseUrl })

const server = new Server({
  port: 0,
  address: '127.0.0.1',
  quiet: true,
  extensions: [
    new Redis({ host: '127.0.0.1', port: Number(redisPort) }),
    new Database({
      async fetch({ documentName }) {
        const { rows } = await pool.query<{ data: Uint8Array }>(
          'SELECT data FROM stock_documents WHERE name = $1',
          [documentName],
        )
        return rows[0]?.data ?? null
      },
      async store({ documentName, state }) {
        await pool.query(
          `INSERT INTO stock_documents (name, data) VALUES ($1, $2)
           ON CONFLICT (name) DO UPDATE SET data = $2`,
          [documentName, state],
        )
      },
    }),
  ],
})

await server.listen()
console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address.port}` }))
