#!/usr/bin/env node
/** The process entry. */

const NODE_MIN = 24

// Before anything else is loaded: native code of the store ends an older Node without a word.
if (Number.parseInt(process.versions.node, 10) < NODE_MIN) {
  process.stderr.write(
    `weft: this is Node ${process.versions.node}, and weft runs on ${NODE_MIN} or newer; ` +
      `\`npm install node@${NODE_MIN}\` brings one for this folder alone\n`,
  )
  process.exit(69)
}
const { runCommand } = await import('./cli/commands.ts')

// Ended, not left to end: a socket or a thread that hangs must not keep a drained server alive.
process.exit(await runCommand(process.argv.slice(2)))
