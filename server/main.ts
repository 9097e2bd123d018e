#!/usr/bin/env node
/** The process entry. */
import { runCommand } from './cli/commands.ts'

// Ended, not left to end: a socket or a thread that hangs must not keep a drained server alive.
process.exit(await runCommand(process.argv.slice(2)))
