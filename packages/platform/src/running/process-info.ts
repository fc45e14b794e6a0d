// Information from the operating system about a process: whether it is still the one that was started, its memory, its age.
import { readFileSync } from 'node:fs'

/**
 * Something that two processes with the same pid never share: when the process was started. Process ids are used again,
 * and `down` must not stop a stranger. Linux: field 22 of /proc/<pid>/stat (proc(5)), in clock ticks since boot, with
 * the boot's id; elsewhere `ps -o lstart=`. Undefined when there is no such process.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      return `${boot}:${statFields(pid)[19]}`
    } catch {
      return undefined
    }
  }
  return ps(pid, 'lstart')
}

/** Whether the process with this id is still the one whose identity was noted. */
export function isSameProcess(pid: number, identity: string): boolean {
  return processIdentity(pid) === identity && !isZombie(pid)
}

/** Resident memory in bytes; undefined where it cannot be known. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform === 'linux') {
    try {
      const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m)
      return line === null ? undefined : Number(line[1]) * 1024
    } catch {
      return undefined
    }
  }
  const kib = Number(ps(pid, 'rss'))
  return Number.isFinite(kib) && kib > 0 ? kib * 1024 : undefined
}

/** The command line of a process, for messages; undefined where it cannot be known. */
export function commandLine(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined
    } catch {
      return undefined
    }
  }
  return ps(pid, 'command')
}

/** Fields of /proc/<pid>/stat after the name in parentheses, which may itself hold spaces: [0] is field 3, the state. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A process that has ended and whose parent has not yet asked: gone, for our purposes. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    return statFields(pid)[0] === 'Z'
  } catch {
    return true
  }
}

function ps(pid: number, column: string): string | undefined {
  try {
    // Loaded only outside Linux: loading it takes a tenth of a short command's time.
    const { execFileSync } = process.getBuiltinModule('node:child_process')
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
