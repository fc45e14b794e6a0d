// How evidence, names and durations are written.
import { twoUnits } from '@selfmonitor/cluster/numbers'
import type { Evidence } from './types.ts'

export { bytes, count, counted } from '@selfmonitor/cluster/numbers'

export const evidence = (name: string, value: Evidence['value'], text: string): Evidence => ({ name, value, text })

/** `3 min`, `2 h 5 min`, `12 d`: the two largest units. */
export function span(ms: number): string {
  return twoUnits(Math.max(0, ms), [' d', ' h', ' min', ' s']) || '0 s'
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
