// Reads and checks what a platform file says about backups.
import type { BackupPolicy, PlatformProblem } from '../model.ts'
import { formatSchedule, longestPauseMs, parseSchedule, type Schedule } from '../schedule.ts'
import { formatDuration, parseDuration } from '../units.ts'
import { get, overlay, type Position, problemAt, type ScalarTree, type Tree } from './document.ts'
import { classifications, criticalities, lockModes } from './format-backup.ts'

/** A value that is known: not one with an unset variable, which is reported already. */
function known(tree: Tree | undefined): ScalarTree | undefined {
  return tree?.kind === 'scalar' && tree.value !== null && tree.unset.length === 0 ? tree : undefined
}

function oneOf<const Word extends string>(tree: Tree | undefined, words: readonly Word[]): Word | undefined {
  const value = known(tree)?.value
  return words.find((word) => word === value)
}

/** What holds where a topic says nothing. */
export interface BackupDefaults {
  readonly file: Tree | undefined
  readonly environment: Tree | undefined
}

/**
 * @param own what the topic says, its environment included; undefined: the policy of topics that are not declared
 * @returns undefined when nothing is said
 */
export function backupPolicyOf(
  defaults: BackupDefaults,
  own: Tree | undefined,
  problems: PlatformProblem[],
): BackupPolicy | undefined {
  const effective = overlay(defaults.file, defaults.environment, own)
  if (effective?.kind !== 'map' || effective.entries.size === 0) return undefined
  const at = (own?.kind === 'map' ? own : effective).at
  const none = known(get(effective, 'none'))
  if (none !== undefined) {
    const reason = String(none.value).trim()
    if (reason === '') problems.push(problemAt(none.at, 'must be the reason why the topic is in no backup'))
    const isOfFile = get(own, 'none') === undefined && get(defaults.environment, 'none') === undefined
    if (isOfFile && own?.kind === 'map' && own.entries.size > 0) {
      const message = `has no effect: line ${none.at.line} leaves all topics out of backups; add none: null to take this one in`
      problems.push(problemAt(own.at, message))
    }
    return { none: reason, at }
  }
  const frequency = frequencyOf(get(effective, 'frequency'), problems)
  const rpoMs = durationOf(get(effective, 'rpo'), problems)
  const rtoMs = durationOf(get(effective, 'rto'), problems)
  if (frequency !== undefined && rpoMs !== undefined) {
    checkFrequency(frequency, rpoMs, get(effective, 'frequency')!.at, problems)
  }
  const criticality = oneOf(get(effective, 'criticality'), criticalities)
  const classification = oneOf(get(effective, 'classification'), classifications)
  const lock = lockOf(get(effective, 'lock'), problems)
  return {
    ...(frequency === undefined ? {} : { frequency }),
    ...(rpoMs === undefined ? {} : { rpoMs }),
    ...(rtoMs === undefined ? {} : { rtoMs }),
    ...(criticality === undefined ? {} : { criticality }),
    ...(classification === undefined ? {} : { classification }),
    ...(lock === undefined ? {} : { lock }),
    at,
  }
}

function frequencyOf(tree: Tree | undefined, problems: PlatformProblem[]): Schedule | undefined {
  const text = known(tree)
  if (text === undefined || typeof text.value !== 'string') return undefined
  const parsed = parseSchedule(text.value)
  if ('kind' in parsed) return parsed
  problems.push(problemAt(text.at, `${parsed.problem}, it is ${text.source}`))
  return undefined
}

function durationOf(tree: Tree | undefined, problems: PlatformProblem[]): number | undefined {
  const text = known(tree)
  if (text === undefined || typeof text.value !== 'string') return undefined
  const ms = parseDuration(text.value)
  if (ms !== null && ms > 0) return ms
  problems.push(problemAt(text.at, `must be a duration such as 1h, it is ${text.source}`))
  return undefined
}

/** Backups that are further apart than the objective miss it however fast they are. */
function checkFrequency(frequency: Schedule, rpoMs: number, at: Position, problems: PlatformProblem[]): void {
  const pauseMs = longestPauseMs(frequency)
  if (pauseMs <= rpoMs) return
  const far = frequency.kind === 'every' ? formatSchedule(frequency) : `up to ${formatDuration(pauseMs)}`
  problems.push(
    problemAt(at, `cannot keep the rpo of ${formatDuration(rpoMs)}: two backups are ${far} apart; back up more often`),
  )
}

function lockOf(tree: Tree | undefined, problems: PlatformProblem[]): BackupPolicy['lock'] {
  if (tree?.kind !== 'map') return undefined
  const [days, mode] = [known(get(tree, 'days')), oneOf(get(tree, 'mode'), lockModes)]
  if (days !== undefined && mode !== undefined) return { days: Number(days.value), mode }
  for (const [word, found] of [
    ['days', get(tree, 'days')],
    ['mode', get(tree, 'mode')],
  ] as const) {
    if (found === undefined) problems.push(problemAt(tree.at, `must have ${word}, such as ${lockExamples[word]}`))
  }
  return undefined
}

const lockExamples = { days: 'days: 366', mode: 'mode: compliance' } as const
