/** A real `weft serve` in a process of its own, that can be killed, stopped and looked at. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../shared/clock.ts'
import { createTokenMint, type TokenOrder } from '../../server/access/token-mint.ts'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))
const secret = 'a secret of the fault tests, 32 or more'

export type LogLine = {
  readonly level: string
  readonly msg?: string
  readonly [key: string]: unknown
}

export type ServerProcessOptions = {
  readonly dataDir: string
  readonly settings?: Readonly<Record<string, string>>
  /** A command to run the server under, such as strace and its options. */
  readonly under?: readonly string[]
  /** Another entry than the server's own, such as one whose clock can be moved. */
  readonly script?: string
  /** Keep the port of a server that was killed, so that its clients find the next one. */
  readonly port?: number
}

type Told = { readonly log: LogLine[]; readonly isUnder: boolean }

export class ServerProcess {
  readonly url: string
  readonly process: ChildProcess
  readonly log: LogLine[]

  readonly #isUnder: boolean

  private constructor(url: string, process: ChildProcess, { log, isUnder }: Told) {
    this.#isUnder = isUnder
    this.url = url
    this.process = process
    this.log = log
  }

  /** Resolves when the server says that it is ready. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const script = join(projectRoot, options.script ?? 'server/main.ts')
    const [command, ...args] = [...(options.under ?? []), process.execPath, script, 'serve']
    const cache = process.env['NODE_COMPILE_CACHE']
    const child = spawn(command ?? process.execPath, args, {
      cwd: projectRoot,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.script === undefined ? [] : ['ipc' as const])],
      env: {
        PATH: process.env['PATH'],
        WEFT_PORT: String(options.port ?? 0),
        WEFT_DATA_DIR: options.dataDir,
        WEFT_JWT_SECRET: secret,
        WEFT_DEV: '1',
        WEFT_LOG_FORMAT: 'json',
        // Not under a command that counts system calls, and acts on the one of some number.
        ...(cache === undefined || options.under !== undefined
          ? {}
          : { NODE_COMPILE_CACHE: cache }),
        ...options.settings,
      },
    })
    const log: LogLine[] = []
    const errors: string[] = []
    child.stderr?.on('data', chunk => void errors.push(String(chunk)))
    const lines = createInterface({ input: child.stdout ?? process.stdin })
    const url = await new Promise<string>((resolve, reject) => {
      lines.on('line', text => {
        const line = parseLine(text)
        log.push(line)
        if (typeof line['url'] === 'string') resolve(line['url'])
      })
      child.once('exit', code => {
        reject(new Error(`the server ended with ${code}: ${errors.join('')}${JSON.stringify(log)}`))
      })
    })
    return new ServerProcess(url, child, { log, isUnder: options.under !== undefined })
  }

  get syncUrl(): string {
    return `${this.url.replace('http', 'ws')}/sync`
  }

  get yUrl(): string {
    return `${this.url.replace('http', 'ws')}/y`
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** Resolves with the exit code, or null when a signal ended it. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded) await once(this.process, 'exit')
    return this.process.exitCode
  }

  /** Moves the clock on, of `clock-server.ts`; resolves when it has moved. */
  async advance(advanceMs: number): Promise<void> {
    const moved = once(this.process, 'message')
    this.process.send({ advanceMs })
    await moved
  }

  /**
   * Sends a signal and waits for the end. Of a server under another command it goes to the server: strace
   * would end alone, and leave it behind.
   */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (!this.hasEnded) {
      const [server] = this.#isUnder ? childrenOf(this.process.pid) : []
      if (server === undefined) this.process.kill(signal)
      else process.kill(server, signal)
      // A command that was stopped would not see that its server has ended.
      if (signal === 'SIGKILL') this.process.kill('SIGCONT')
    }
    return this.ended()
  }
}

/** Linux, where there is a strace. */
function childrenOf(pid: number | undefined): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return children.split(' ').filter(Boolean).map(Number)
  } catch {
    // It has ended meanwhile.
    return []
  }
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    // A line that is none of ours: shown as it is when a test looks at the log.
    return { level: 'none', msg: text }
  }
}

const mint = createTokenMint({ secret, issuer: undefined, audience: undefined, clock: systemClock })

/** A token that every server process of the tests takes. */
export function testToken(sub: string, order: Partial<TokenOrder> = {}): Promise<string> {
  return mint({ sub, ...order })
}
