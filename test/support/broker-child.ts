// Starts `broker-process.ts` and gives a test the means to kill it and to read what it logged.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./broker-process.ts', import.meta.url))

export interface BrokerChild {
  readonly bootstrapServers: string
  readonly pid: number
  /** The broker's log at info and above, one JSON object per line. */
  readonly logLines: readonly string[]
  /** Sends the signal and waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a broker on `dataDir`; resolves when it serves. @throws Error with its log when it ends first. */
export async function startBrokerChild(
  dataDir: string,
  port: number,
  config: Readonly<Record<string, string>> = {},
): Promise<BrokerChild> {
  const settings = Object.entries(config).map(([key, value]) => `${key}=${value}`)
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=source', script, dataDir, String(port), ...settings],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const logLines: string[] = []
  createInterface({ input: child.stderr! }).on('line', (line) => logLines.push(line))
  const exited = once(child, 'exit')
  const ready = once(createInterface({ input: child.stdout! }), 'line') as Promise<[string]>
  const first = await Promise.race([ready, exited.then(() => null)])
  if (first === null) throw new Error(`the broker ended while starting:\n${logLines.join('\n')}`)
  return {
    bootstrapServers: first[0],
    pid: child.pid!,
    logLines,
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      await exited
    },
  }
}
