// The outside world as a command sees it, so that tests can replace it.
import { addAbortSignal } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import type { Output } from '../output/terminal.ts'

export interface Io {
  readonly stdout: Output
  readonly stderr: Output
  /** Whether questions can be asked. */
  readonly interactive: boolean
  /** Everything on standard input, for options that read `-`. */
  readStdin(): Promise<string>
  /** Standard input as it comes, for commands that handle it line by line; it ends when the signal fires. */
  stdinChunks(): AsyncIterable<Buffer>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Fires on the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** How to start this same command again, for `up --detach`. */
  readonly entry: readonly string[]
  /** Keeps the process's memory small, for the rest of its life, at the cost of CPU time. Undefined where the process is another's. */
  readonly saveMemory?: (() => void) | undefined
}

/** The real process. The signal's listeners are installed by the caller that owns the process. */
export function processIo(signal: AbortSignal): Io {
  const output = (stream: NodeJS.WriteStream): Output => ({
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.columns ?? 80
    },
    get rows() {
      return stream.rows ?? 24
    },
  })
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    readStdin: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString('utf8')
    },
    stdinChunks: async function* () {
      try {
        yield* addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>
      } catch (error) {
        // What comes after Ctrl-C is not waited for.
        if (!signal.aborted) throw error
      }
    },
    env: process.env,
    cwd: process.cwd(),
    signal,
    entry: [process.execPath, ...process.execArgv, process.argv[1] ?? fileURLToPath(import.meta.url)],
    saveMemory: () => {
      for (const one of heapFlags) setFlagsFromString(one)
    },
  }
}

/**
 * V8 lets the heap of a process grow to several times of what lives in it while the machine has memory. With these the young
 * generation stays as small as it begins, and the old one is collected when it has doubled.
 */
export const heapFlags = ['--semi-space-growth-factor=1', '--heap-growing-percent=100'] as const
