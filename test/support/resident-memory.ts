// How much memory a process really takes.
import { spawnSync } from 'node:child_process'

/** Resident set in MiB, as `ps` knows it. @throws Error when there is no such process */
export function residentMb(pid: number): number {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
  const kib = Number(stdout.trim())
  if (!(kib > 0)) throw new Error(`process ${pid} is gone`)
  return kib / 1024
}
