// For tests: the command in this process, with everything that it writes kept.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from './framework/io.ts'
import { isPortFree } from './local/ports.ts'
import type { Output } from './output/terminal.ts'
import { run } from './run.ts'

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestIo {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly signal?: AbortSignal
  /** Told what is written on standard output, as it is. */
  readonly onOutput?: (text: string) => void
  readonly saveMemory?: () => void
}

/** Runs `selfmonitor` with these words. No terminal, no variables of the surroundings, an empty folder. */
export async function selfmonitor(words: readonly string[], given: TestIo = {}): Promise<RunResult> {
  const written = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => {
      written[name] += text
      if (name === 'stdout') given.onOutput?.(text)
    },
    isTTY: false,
    columns: 80,
    rows: 24,
  })
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    interactive: false,
    readStdin: async () => given.stdin ?? '',
    stdinChunks: async function* () {
      yield Buffer.from(given.stdin ?? '')
    },
    env: given.env ?? {},
    cwd: given.cwd ?? tmpdir(),
    signal: given.signal ?? new AbortController().signal,
    entry: [],
    saveMemory: given.saveMemory,
  }
  return { code: await run(words, io), ...written }
}

/** A temporary folder, with `remove`. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'selfmonitor-cli-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

const firstOffset = 12_000
// All ports stay below those that the system gives to outgoing connections, which would take one between the look and its use.
const offsets = 11_000

/** A port offset whose Kafka and registry ports are free now. */
export async function freePortOffset(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const offset = firstOffset + Math.floor(Math.random() * offsets)
    if ((await Promise.all([9092, 8081, 9308].map((port) => isPortFree(port + offset)))).every(Boolean)) return offset
  }
  throw new Error('no free ports found in 50 attempts')
}
