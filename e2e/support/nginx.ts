/** A real nginx with the configuration of `deploy/`, in front of server processes of a test. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../server/journal/testing/temporary-folder.ts'
import { freePort } from '../../server/testing/free-port.ts'
import { until } from '../../server/testing/until.ts'
import { binaryPath } from './needs.ts'
import { projectRoot } from './server-process.ts'

export const shippedConfig = readFileSync(join(projectRoot, 'deploy/nginx.conf'), 'utf8')

export type Nginx = { readonly url: string; close(): Promise<void> }

/** `edit` changes what is shipped; ports and folders are the test's in any case. */
export async function startNginx(
  nodePorts: readonly number[],
  edit: (config: string) => string = config => config,
): Promise<Nginx> {
  const folder = temporaryFolder()
  const port = await freePort()
  const file = join(folder.path, 'nginx.conf')
  writeFileSync(file, placed(edit(shippedConfig), { port, nodePorts, folder: folder.path }))
  const program = binaryPath('nginx') ?? 'nginx'
  const args = ['-p', folder.path, '-c', file, '-e', 'stderr']
  const checked = spawnSync(program, [...args, '-t'], { encoding: 'utf8' })
  if (checked.status !== 0) throw new Error(checked.stderr)
  const nginx = spawn(program, args, { stdio: 'ignore' })
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      () => true,
      () => false,
    )
  await until(answers, 'nginx answers')
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      nginx.kill('SIGTERM')
      if (nginx.exitCode === null) await once(nginx, 'exit')
      folder.remove()
    },
  }
}

type Place = { readonly port: number; readonly nodePorts: readonly number[]; folder: string }

function placed(config: string, { port, nodePorts, folder }: Place): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => {
    mkdirSync(join(folder, kind))
    return `${kind}_temp_path ${join(folder, kind)};`
  })
  let node = 0
  return `daemon off;\npid ${join(folder, 'pid')};\n${config}`
    .replace('http {', `http {\naccess_log off;\n${temporary.join('\n')}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replaceAll(/server weft-\d+:8080/g, () => `server 127.0.0.1:${nodePorts[node++]}`)
}
