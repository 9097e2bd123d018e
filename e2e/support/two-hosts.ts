/** Two hosts on one machine: a link between network namespaces that can go dead without a word. */
import { execFileSync } from 'node:child_process'

const run = (...args: readonly string[]) =>
  execFileSync('ip', args, {
    stdio: 'pipe',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  })

export type TwoHosts = {
  /** Put before a command, runs it on the far host. */
  readonly onFarHost: readonly string[]
  readonly farAddress: string
  /** Packets vanish, in both directions; neither side is told. */
  cut(): void
  restore(): void
  remove(): void
}

/** A link takes its time to go: the next pair has names and a subnet of its own. */
let pairs = 0

export function twoHosts(): TwoHosts {
  const id = (process.pid + 1_009 * pairs++) % 10_000
  const [name, near, far] = [`weft-${id}`, `wn${id}`, `wf${id}`]
  // Four addresses for each id: two links of one subnet would take each other's packets.
  const subnet = `10.213.${id >> 6}`
  const [nearHost, farHost] = [(id & 63) * 4 + 1, (id & 63) * 4 + 2]
  const farAddress = `${subnet}.${farHost}`
  const nearAddress = `${subnet}.${nearHost}`
  const inside = (...args: readonly string[]) => run('netns', 'exec', name, 'ip', ...args)
  run('netns', 'add', name)
  run('link', 'add', near, 'type', 'veth', 'peer', 'name', far)
  run('link', 'set', far, 'netns', name)
  run('addr', 'add', `${nearAddress}/30`, 'dev', near)
  run('link', 'set', near, 'up')
  inside('addr', 'add', `${farAddress}/30`, 'dev', far)
  inside('link', 'set', far, 'up')
  inside('link', 'set', 'lo', 'up')
  // A neighbour that does not answer any more would be reported as unreachable: it stays known.
  const address = (link: string) => /link\/ether (\S+)/.exec(link)?.[1] ?? ''
  const nearMac = address(String(run('link', 'show', near)))
  const farMac = address(String(inside('link', 'show', far)))
  run('neigh', 'replace', farAddress, 'lladdr', farMac, 'dev', near, 'nud', 'permanent')
  inside('neigh', 'replace', nearAddress, 'lladdr', nearMac, 'dev', far, 'nud', 'permanent')
  return {
    onFarHost: ['ip', 'netns', 'exec', name],
    farAddress,
    // The route stays: packets go to an address that nobody has.
    cut() {
      const nowhere = '02:00:00:00:00:01'
      run('neigh', 'replace', farAddress, 'lladdr', nowhere, 'dev', near, 'nud', 'permanent')
      inside('neigh', 'replace', nearAddress, 'lladdr', nowhere, 'dev', far, 'nud', 'permanent')
    },
    restore() {
      run('neigh', 'replace', farAddress, 'lladdr', farMac, 'dev', near, 'nud', 'permanent')
      inside('neigh', 'replace', nearAddress, 'lladdr', nearMac, 'dev', far, 'nud', 'permanent')
    },
    remove: () => void run('netns', 'del', name),
  }
}
