// What the process uses, as the table of metrics shows it.
import { readdirSync, readFileSync } from 'node:fs'
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { MetricsSource } from './table.ts'

export function processUse(): MetricsSource['process'] {
  const { user, system } = process.cpuUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startSeconds: performance.timeOrigin / 1000,
    openFiles: ifThere(() => readdirSync('/proc/self/fd').length),
    maxFiles: ifThere(() => Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])),
  }
}

/** Linux alone has these files. */
function ifThere(read: () => number): number | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const windowMs = 60_000

/** @returns what gives the share of about the last minute in which the event loop was idle, 0 to 1 */
export function createIdleRatio(): () => number {
  let base: { readonly atMs: number; readonly use: EventLoopUtilization } | undefined
  let next = { atMs: performance.now(), use: performance.eventLoopUtilization() }
  return () => {
    const nowMs = performance.now()
    const use = performance.eventLoopUtilization()
    const ratio = 1 - performance.eventLoopUtilization(use, (base ?? next).use).utilization
    if (nowMs - next.atMs >= windowMs) {
      base = next
      next = { atMs: nowMs, use }
    }
    return Math.min(1, Math.max(0, ratio))
  }
}
