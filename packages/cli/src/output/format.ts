// Numbers, sizes, durations and times as people read them.
import { twoUnits } from '@selfmonitor/cluster/numbers'

export { bytes, count, counted } from '@selfmonitor/cluster/numbers'

/** How long something took: `12 ms`, `1.34 s`. */
export function elapsed(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** A span of time, its two largest units: `7d`, `1h 5m`, `250ms`. */
export function span(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : twoUnits(ms, ['d', 'h', 'm', 's'])
}

/** Kafka's `retention.ms` in words. */
export function retention(ms: string | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  const value = Number(ms)
  return value < 0 ? 'forever' : span(value)
}

/** `2026-11-22 13:00:00.000Z`: in UTC, and saying so. */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ')
}

/** More than these would break the line. */
const maxAddresses = 3

/** `127.0.0.1:9092,9093,9094`: the host once, where it is the same; of many brokers the first. */
export function shortAddresses(bootstrapServers: string): string {
  const [first, ...others] = bootstrapServers.split(',')
  if (others.length >= maxAddresses) return `${first} …`
  const host = first!.slice(0, first!.lastIndexOf(':') + 1)
  return others.every((address) => address.startsWith(host))
    ? [first, ...others.map((address) => address.slice(host.length))].join(',')
    : bootstrapServers
}
