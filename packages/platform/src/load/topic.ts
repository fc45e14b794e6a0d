// Turns what a file says about one topic, its defaults and its environment into a `PlatformTopic`.
import { nearest } from '@selfmonitor/cluster/nearest'
import type { CompatibilityLevel } from '@selfmonitor/registry'
import type { PlatformProblem, PlatformTopic } from '../model.ts'
import { notEmittable } from '../shape.ts'
import { didYouMean } from '../suggest.ts'
import { isKnownSetting, sameSetting, toKafkaValue, topicSettings } from '../topic-settings.ts'
import { entriesOf, get, type Position, problemAt, type ScalarTree, type Tree } from './document.ts'
import { type BackupDefaults, backupPolicyOf } from './load-backup.ts'
import { topicObjectivesOf } from './load-objectives.ts'
import { readShapeFiles } from './schema-files.ts'

// Settings that have a word of their own in the file.
const words = {
  retention: 'retention.ms',
  retentionSize: 'retention.bytes',
  cleanup: 'cleanup.policy',
} as const

/**
 * @param own what the file says about this topic alone
 * @param effective the same laid over the defaults and under the environment
 */
export function buildTopic(
  name: string,
  key: Position,
  own: Tree | undefined,
  effective: Tree | undefined,
  backupDefaults: BackupDefaults,
  problems: PlatformProblem[],
): PlatformTopic {
  const at: Record<string, Position> = { topic: key }
  const scalar = (word: string): ScalarTree | undefined => {
    const found = get(effective, word)
    if (found?.kind === 'scalar') {
      at[word] = found.at
      return found
    }
    return undefined
  }
  checkName(name, key, problems)

  const partitions = scalar('partitions')
  // A topic that is not a map, or a mistyped word, is reported already.
  const isMap =
    effective === undefined || effective.kind === 'map' || (effective.kind === 'scalar' && effective.value === null)
  const mistyped = entriesOf(own).some(([word]) => nearest(word, ['partitions']) !== undefined)
  if (partitions === undefined && isMap && !mistyped) {
    problems.push(problemAt(key, 'must say how many partitions, for example partitions: 6'))
  }
  const { config, unset } = readConfig(effective, at, problems)
  // `replication: ${REPLICAS}` without the variable is reported elsewhere; `replication: null` takes back what a default says.
  const declared = scalar('replication')?.value ?? null
  const replicationFactor = declared === null ? null : Number(declared)
  const minIsr = Number(config['min.insync.replicas'] ?? 1)
  if (replicationFactor !== null && minIsr > replicationFactor) {
    problems.push(
      problemAt(
        at['config.min.insync.replicas'] ?? key,
        `must be ≤ ${replicationFactor}, the replication of ${name}, it is ${minIsr}: no producer with acks=all could write`,
      ),
    )
  }
  for (const word of ['schema', 'events']) {
    scalar(word)
  }
  const { schema, eventTypes } = readShapeFiles(name, own, effective, problems)
  const unreadable = typeof scalar('schema')?.value === 'string' && schema === undefined
  const obstacle = unreadable ? null : notEmittable({ schema, eventTypes })
  if (obstacle !== null) {
    problems.push(problemAt(key, obstacle))
  }
  const compatibility = scalar('compatibility')
  const description = scalar('description')
  const owner = scalar('owner')
  const objectives = topicObjectivesOf(effective, problems)
  const backup = backupPolicyOf(backupDefaults, get(own, 'backup'), problems)
  return {
    name,
    partitions: Number(partitions?.value ?? 0),
    replicationFactor,
    config,
    ...(unset.length > 0 ? { unset } : {}),
    ...(description === undefined ? {} : { description: String(description.value) }),
    ...(owner === undefined ? {} : { owner: String(owner.value) }),
    ...(String(scalar('protect')?.value) === 'true' ? { protect: true } : {}),
    ...(schema === undefined ? {} : { schema }),
    ...(compatibility === undefined ? {} : { compatibility: compatibility.value as CompatibilityLevel }),
    eventTypes,
    ...(objectives === undefined ? {} : { objectives }),
    ...(backup === undefined ? {} : { backup }),
    at,
  }
}

/** The rules of Kafka's own `Topic.validate`. */
function checkName(name: string, key: Position, problems: PlatformProblem[]): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
    problems.push(
      problemAt(key, `is not a valid topic name: use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'`),
    )
  }
}

function readConfig(
  effective: Tree | undefined,
  at: Record<string, Position>,
  problems: PlatformProblem[],
): { config: Record<string, string>; unset: string[] } {
  const declared = new Map<string, ScalarTree>()
  for (const [word, setting] of Object.entries(words)) {
    const tree = get(effective, word)
    if (tree?.kind === 'scalar') {
      declared.set(setting, tree)
    }
  }
  for (const [setting, { key, value }] of entriesOf(get(effective, 'config'))) {
    if (!isKnownSetting(setting)) {
      problems.push(problemAt(key, `is not a topic setting of Kafka${didYouMean(setting, Object.keys(topicSettings))}`))
      continue
    }
    const twice = declared.get(setting)
    if (twice !== undefined) {
      const word = Object.entries(words).find(([, name]) => name === setting)![0]
      problems.push(problemAt(key, `is declared twice: line ${twice.at.line} declares it as ${word}; keep one`))
      continue
    }
    if (value.kind === 'scalar') {
      declared.set(setting, value)
    }
  }
  const config: Record<string, string> = {}
  const unset: string[] = []
  for (const [setting, tree] of [...declared].sort(([a], [b]) => (a < b ? -1 : 1))) {
    at[`config.${setting}`] = tree.at
    if (tree.unset.length > 0) {
      continue
    }
    if (tree.value === null) {
      unset.push(setting)
      continue
    }
    const converted = toKafkaValue(setting, tree.value)
    if ('problem' in converted) {
      problems.push(problemAt(tree.at, `${converted.problem}, it is ${tree.source}${yearHint(tree.source)}`))
      continue
    }
    config[setting] = converted.value
  }
  const policy = config['cleanup.policy']
  if (
    policy !== undefined &&
    !['delete', 'compact', 'compact,delete', ''].some((p) => sameSetting('cleanup.policy', p, policy))
  ) {
    problems.push(problemAt(at['config.cleanup.policy']!, `must be delete, compact or both, it is ${policy}`))
  }
  return { config, unset }
}

function yearHint(source: string): string {
  return /year|month|\dy|\dmo/i.test(source) ? '; years and months have no fixed length, write days (366d)' : ''
}
