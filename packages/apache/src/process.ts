// Small helpers around child processes: run one to its end, see whether one is alive, end one by its own id.
import { spawn } from 'node:child_process'
import type { ToolResult } from './types.ts'

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Written to standard input, which is then closed. */
  stdin?: string
  /** The process is killed after this time. Default: none. */
  timeoutMs?: number
  /** Kills the process. */
  signal?: AbortSignal
  /** Sees every line of standard output as it comes. */
  onLine?: (line: string) => void
}

/** Runs a program to its end and collects what it prints. Rejects only when it cannot be started at all. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: 'pipe' })
    const timer =
      options.timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), options.timeoutMs)
    const kill = () => child.kill('SIGKILL')
    if (options.signal?.aborted) kill()
    else options.signal?.addEventListener('abort', kill, { once: true })
    let stdout = ''
    let stderr = ''
    let seen = 0
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      for (let end = stdout.indexOf('\n', seen); options.onLine && end >= 0; end = stdout.indexOf('\n', seen)) {
        options.onLine(stdout.slice(seen, end))
        seen = end + 1
      }
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', kill)
      resolve({ exitCode: code ?? (signal ? 128 : 1), stdout, stderr })
    })
    // A program that ends without reading its input closes the pipe. Its exit code is the result, not this error.
    child.stdin.on('error', () => {})
    child.stdin.end(options.stdin ?? '')
  })
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The last `count` lines of a text, for error messages. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
