// How evidence, names and durations are written.
import type { Evidence } from './types.ts'

export const evidence = (name: string, value: Evidence['value'], text: string): Evidence => ({ name, value, text })

/** `12,345`. */
export const count = (value: number | bigint): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',')

/** `1 topic`, `11 topics`. */
export const counted = (amount: number | bigint, noun: string): string =>
  `${count(amount)} ${noun}${Number(amount) === 1 ? '' : 's'}`

/** `3 min`, `2 h 5 min`, `12 d`: the two largest units. */
export function span(ms: number): string {
  let rest = Math.round(Math.max(0, ms) / 1000)
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const amount = Math.floor(rest / seconds)
    rest -= amount * seconds
    if (amount > 0) parts.push(`${amount} ${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}

/** `1.5 GiB`. */
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

/** `85 %`. */
export const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`

export const is = (amount: number | bigint): string => (Number(amount) === 1 ? 'is' : 'are')
export const has = (amount: number | bigint): string => (Number(amount) === 1 ? 'has' : 'have')

const shownNames = 4

/** `a, b, c, d and 12 more`. */
export function several(names: readonly (string | number)[]): string {
  const shown = names.slice(0, shownNames).join(', ')
  return names.length > shownNames ? `${shown} and ${names.length - shownNames} more` : shown
}

/** A word of a command, in quotes where a shell would split or change it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
