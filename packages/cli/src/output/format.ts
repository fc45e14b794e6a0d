// Numbers, sizes, durations and times as people read them.

/** `12,345`. */
export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** `1 topic`, `11 topics`. */
export function counted(amount: number | bigint, noun: string): string {
  return `${count(amount)} ${noun}${Number(amount) === 1 ? '' : 's'}`
}

/** `1.5 MiB`. */
export function bytes(value: number | bigint): string {
  let amount = Number(value)
  if (amount < 1024) return `${amount} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let unit = -1
  do {
    amount /= 1024
    unit += 1
  } while (amount >= 1024 && unit < units.length - 1)
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${units[unit]}`
}

/** How long something took: `12 ms`, `1.34 s`. */
export function elapsed(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}

/** A span of time, its two largest units: `7d`, `1h 5m`, `250ms`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  let rest = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const amount = Math.floor(rest / seconds)
    rest -= amount * seconds
    if (amount > 0) parts.push(`${amount}${unit}`)
  }
  return parts.slice(0, 2).join(' ')
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
