// Whether the process that once wrote down its id still runs: ids are reused, start times are not.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** `alive`: it runs. `gone`: it does not, or its id belongs to another process now. */
export type ProcessState = 'alive' | 'gone'

export interface ProcessIdentity {
  readonly pid: number
  /** Distinguishes this process from others that had or will have its id; null if the system does not provide it. */
  readonly startedAt: string | null
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startedAt: startOf(process.pid) }
}

export function stateOf({ pid, startedAt }: ProcessIdentity): ProcessState {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone'
  }
  const now = startOf(pid)
  if (now === 'zombie') return 'gone'
  return startedAt !== null && now !== null && now !== startedAt ? 'gone' : 'alive'
}

/** When the process was started, in a form of this system; null if it provides none. */
function startOf(pid: number): string | null {
  switch (process.platform) {
    case 'linux':
      return linuxStart(pid)
    case 'win32':
      return null
    default: {
      const { stdout, status } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
      return status === 0 ? stdout.trim() : null
    }
  }
}

/** Boot id and start time in clock ticks since then; see proc_pid_stat(5), field 22. */
function linuxStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command, field 2, is in parentheses and may itself contain blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return 'zombie'
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}:${fields[19]}`
  } catch {
    return null
  }
}
