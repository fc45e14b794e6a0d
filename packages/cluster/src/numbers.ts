// Numbers, sizes and spans of time as people read them. A door of its own, free of the Kafka client.

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

const secondsOfUnits = [86_400, 3600, 60, 1] as const

/**
 * The two largest units of a span of time, in whole seconds; empty for less than half a second.
 * @param labels of days, hours, minutes and seconds, as they follow a number: with `['d', 'h', 'm', 's']` it is `1h 5m`
 */
export function twoUnits(ms: number, labels: readonly [string, string, string, string]): string {
  let rest = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [at, seconds] of secondsOfUnits.entries()) {
    const amount = Math.floor(rest / seconds)
    rest -= amount * seconds
    if (amount > 0) parts.push(`${amount}${labels[at]}`)
  }
  return parts.slice(0, 2).join(' ')
}
