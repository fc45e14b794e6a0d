// Values as Grafana writes them, near enough to judge a panel by.
import type { Unit } from '@selfmonitor/monitor/dashboards'

type Scale = readonly (readonly [factor: number, suffix: string])[]

const thousands: Scale = [
  [1e12, ' T'],
  [1e9, ' B'],
  [1e6, ' M'],
  [1e3, ' K'],
]
const binary: Scale = [
  [1024 ** 4, ' TiB'],
  [1024 ** 3, ' GiB'],
  [1024 ** 2, ' MiB'],
  [1024, ' KiB'],
]
const seconds: Scale = [
  [86_400 * 7, ' weeks'],
  [86_400, ' days'],
  [3_600, ' hours'],
  [60, ' mins'],
  [1, ' s'],
  [1e-3, ' ms'],
  [1e-6, ' µs'],
]

const rates: Partial<Readonly<Record<Unit, string>>> = { mps: ' mps', reqps: ' req/s', cps: ' c/s' }

export function valueText(value: number, unit: Unit, decimals?: number): string {
  if (!Number.isFinite(value)) return String(value)
  const scaled = (scale: Scale, rest: string): string => {
    const [factor, suffix] = scale.find(([least]) => Math.abs(value) >= least) ?? [1, rest]
    return `${rounded(value / factor, decimals)}${suffix}`
  }
  switch (unit) {
    case 'none':
      return rounded(value, decimals)
    case 'short':
      return scaled(thousands, '')
    case 'percentunit':
      return `${rounded(value * 100, decimals)}%`
    case 'bytes':
      return scaled(binary, ' B')
    case 'Bps':
      return value >= 1e6
        ? `${rounded(value / 1e6)} MB/s`
        : value >= 1e3
          ? `${rounded(value / 1e3)} kB/s`
          : `${rounded(value)} B/s`
    case 's':
      return value === 0 ? '0 s' : scaled(seconds, ' s')
    case 'ms':
      return valueText(value / 1_000, 's', decimals)
    case 'bool_yes_no':
      return value === 0 ? 'No' : 'Yes'
    case 'dateTimeAsIso':
      return new Date(value).toISOString().slice(0, 19).replace('T', ' ')
    default:
      return `${rounded(value)}${rates[unit]}`
  }
}

function rounded(value: number, decimals?: number): string {
  if (decimals !== undefined) return value.toFixed(decimals)
  const size = Math.abs(value)
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)))
}
