/** Before the tests: names the programs that are missing, and installs them where it may. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findChromium } from './chromium.ts'
import { hasBinary, isRoot, packages, type Binary } from './needs.ts'

const absent = (Object.keys(packages) as Binary[]).filter(name =>
  name === 'chromium' ? findChromium() === undefined : !hasBinary(name),
)

if (absent.length > 0) {
  const wanted = [...new Set(absent.map(name => packages[name]))]
  const command = `apt-get update && apt-get install -y ${wanted.join(' ')}`
  console.log(`The tests use ${absent.join(', ')}, missing here. This installs them:\n  ${command}`)
  if (isRoot && existsSync('/etc/debian_version')) {
    const { status } = spawnSync('sh', ['-c', command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    console.log(status === 0 ? 'Installed.' : 'That failed; suites that need them are skipped.')
  } else {
    console.log('Not installed (that takes root on Debian); suites that need them are skipped.')
  }
}
