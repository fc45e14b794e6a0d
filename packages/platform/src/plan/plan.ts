// The plan: compares the declared state with the live state. Pure, and always in the same order.
import { deadLetterNames, deadLetterTopics } from '../access.ts'
import { lossKeys } from '../live/broker-defaults.ts'
import type { LiveState, LiveTopic } from '../live/live.ts'
import { type LiveSubject, subjectOf } from '../live/subject.ts'
import { placeIn } from '../load/json-place.ts'
import type { Change, Plan, Platform, PlatformProblem, PlatformTopic } from '../model.ts'
import { isInternalName, matchesAny } from '../pattern.ts'
import { humanSetting, sameSetting } from '../topic-settings.ts'
import { compareAccess } from './plan-access.ts'
import { compareCompatibility } from './plan-compatibility.ts'
import type { PlanOptions } from './plan-options.ts'
import { comparePayloads } from './plan-payloads.ts'
import { schemaDetails } from './schema-diff.ts'

/**
 * Compares only what the file declares. Changes come by kind (topics, partitions, settings, compatibility, schemas, payloads,
 * accounts, ACLs, deletions), within a kind in the order of the file.
 */
export function computePlan(platform: Platform, live: LiveState, options: PlanOptions = {}): Plan {
  const errors: PlatformProblem[] = []
  const warnings: string[] = []
  checkCluster(platform, live, errors)
  const deadLetters = deadLetterTopics(platform).filter(({ name }) => !live.topics.has(name))
  checkReplicas(platform, [...platform.topics, ...deadLetters], live, errors)

  const creations: Change[] = []
  const growth: Change[] = []
  const settings: Change[] = []
  const levels: Change[] = []
  const schemas: Change[] = []
  for (const topic of platform.topics) {
    const found = live.topics.get(topic.name)
    if (found === undefined) {
      creations.push(creation(topic))
    } else {
      growth.push(...comparePartitions(platform, topic, found, options, { errors, warnings }))
      settings.push(...compareSettings(platform, topic, found, live.brokerDefaults, errors))
    }
    const subject = live.subjects?.get(subjectOf(topic.name))
    if (subject !== undefined) {
      levels.push(...compareCompatibility(topic, subjectOf(topic.name), subject))
      schemas.push(...compareSchema(topic, subject, errors))
    }
  }
  if (live.subjects === null && platform.topics.some(({ schema }) => schema !== undefined)) {
    warnings.push('No Schema Registry was asked: schemas are not compared.')
  }
  const payloads = comparePayloads(platform, live.payloads ?? null)
  levels.push(...payloads.levels)
  errors.push(...payloads.errors)
  warnings.push(...payloads.warnings)
  creations.push(...deadLetters.map(creation))
  const access = compareAccess(platform, live.access ?? null, options, errors, warnings)
  const deletions = compareDeletions(platform, live, options, warnings)
  return {
    environment: platform.environment,
    clusterId: live.clusterId,
    bootstrapServers: live.bootstrapServers,
    changes: [
      ...[creations, growth, settings, levels, schemas, payloads.changes, access.changes].flat(),
      ...[access.deletions, deletions].flat(),
    ],
    errors,
    warnings,
    hints: [...undeclaredSettings(platform, live), ...payloads.hints],
  }
}

const shownUndeclared = 3

/** Settings of declared topics that the file leaves out, and that a plan therefore leaves as they are. */
function undeclaredSettings(platform: Platform, live: LiveState): string[] {
  const undeclared = platform.topics.flatMap(({ name, config, unset = [] }) => {
    const own = [...(live.topics.get(name)?.config ?? [])].filter(([, setting]) => setting.own).map(([key]) => key)
    const left = own.filter((key) => !(key in config) && !unset.includes(key)).sort()
    return left.length === 0 ? [] : [`${left.join(', ')} of ${name}`]
  })
  if (undeclared.length === 0) {
    return []
  }
  const more = undeclared.length - shownUndeclared
  const shown = `${undeclared.slice(0, shownUndeclared).join('; ')}${more > 0 ? `; and of ${more} more` : ''}`
  return [`Set on the cluster and not in the file, so not compared: ${shown}.`]
}

/** A problem where the file says `key` of a topic (`partitions`, `config.retention.ms`), or else where the topic is. */
function problemOf(platform: Platform, topic: PlatformTopic, key: string, message: string): PlatformProblem {
  const at = topic.at?.[key] ?? topic.at?.topic
  const path = `topics.${JSON.stringify(topic.name)}.${key}`
  return at === undefined ? { file: platform.file, line: 1, column: 1, path, message } : { ...at, message }
}

function checkCluster({ cluster }: Platform, live: LiveState, errors: PlatformProblem[]): void {
  if (cluster !== undefined && cluster.id !== live.clusterId) {
    errors.push({
      ...cluster.at,
      message: `must be the cluster's id, it is ${cluster.id}, and this cluster is ${live.clusterId}: you may be connected to another cluster than you think`,
    })
  }
}

/** Replicas that cannot be had, or that differ: one error for all topics that get their number from the same line. */
function checkReplicas(
  platform: Platform,
  topics: readonly PlatformTopic[],
  live: LiveState,
  errors: PlatformProblem[],
): void {
  const wrong = topics.flatMap((topic) => {
    const wanted = topic.replicationFactor
    const now = live.topics.get(topic.name)?.replicationFactor ?? null
    if (wanted === null) {
      checkMinInsync(platform, topic, now ?? live.brokers, errors)
      return []
    }
    const tooMany = wanted > live.brokers
    return now === wanted || (now === null && !tooMany) ? [] : [{ topic, wanted, now, tooMany }]
  })
  const alike = Map.groupBy(wrong, ({ topic: { at }, wanted, now, tooMany }) => {
    const { file, line, column } = at?.replication ?? at?.topic ?? { file: '', line: 0, column: 0 }
    return tooMany ? `${file}:${line}:${column} ${wanted}` : `${file}:${line}:${column} ${wanted} ${now}`
  })
  for (const [{ topic, wanted, now, tooMany }, ...more] of alike.values() as Iterable<
    [(typeof wrong)[0], ...typeof wrong]
  >) {
    const which = more.length === 0 ? topic.name : `${topic.name} and ${more.length} more`
    const message = tooMany
      ? `must be ≤ ${live.brokers}, it is ${wanted} and there ${live.brokers === 1 ? 'is 1 broker' : `are ${live.brokers} brokers`} (${which}); ${remedy(platform, live)}`
      : `is ${wanted} in the file and ${now} on the cluster (${which}); changing it moves data and is not done here: ` +
        `reassign the partitions (kafka-reassign-partitions), or write replication: ${now}`
    errors.push(problemOf(platform, topic, 'replication', message))
  }
}

/** Where the file leaves the number of replicas to the brokers, `load` cannot know how many there are at most. */
function checkMinInsync(platform: Platform, topic: PlatformTopic, most: number, errors: PlatformProblem[]): void {
  const key = 'min.insync.replicas'
  const wanted = Number(topic.config[key] ?? 1)
  if (wanted > most) {
    errors.push(
      problemOf(
        platform,
        topic,
        `config.${key}`,
        `must be ≤ ${most}, the replicas that ${topic.name} has or can have here, it is ${wanted}: no producer with acks=all could write`,
      ),
    )
  }
}

function remedy({ environment, environments = [] }: Platform, live: LiveState): string {
  return environment !== 'development' && environments.includes('development')
    ? 'add brokers, or use --env development'
    : `add brokers, or lower it to ${live.brokers}`
}

function creation(topic: PlatformTopic): Change {
  return {
    action: 'create',
    kind: 'topic',
    name: topic.name,
    details: [
      { key: 'partitions', from: null, to: String(topic.partitions) },
      {
        key: 'replication',
        from: null,
        to: topic.replicationFactor === null ? 'broker default' : String(topic.replicationFactor),
      },
      ...Object.entries(topic.config)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ key, from: null, to: value })),
    ],
    warnings: [],
  }
}

function comparePartitions(
  platform: Platform,
  topic: PlatformTopic,
  live: LiveTopic,
  { allowMorePartitions = false }: PlanOptions,
  { errors, warnings }: { readonly errors: PlatformProblem[]; readonly warnings: string[] },
): Change[] {
  if (topic.partitions === live.partitions) {
    return []
  }
  if (topic.partitions < live.partitions && allowMorePartitions && topic.partitions > 1) {
    warnings.push(
      `${topic.name} has ${live.partitions} partitions on the cluster, and the file says ${topic.partitions}: partitions cannot be removed; write partitions: ${live.partitions} in the file.`,
    )
    return []
  }
  if (topic.partitions < live.partitions) {
    errors.push(
      problemOf(
        platform,
        topic,
        'partitions',
        `${topic.partitions} is fewer than the cluster's ${live.partitions}; partitions cannot shrink; write ${live.partitions}`,
      ),
    )
    return []
  }
  return [
    {
      action: 'update',
      kind: 'topic-partitions',
      name: topic.name,
      details: [{ key: 'partitions', from: String(live.partitions), to: String(topic.partitions) }],
      warnings: [
        'keys move: a key may be written to another partition than before, so events of one key from before and after the change may be handled out of order',
      ],
    },
  ]
}

function compareSettings(
  platform: Platform,
  topic: PlatformTopic,
  live: LiveTopic,
  brokerDefaults: LiveState['brokerDefaults'],
  errors: PlatformProblem[],
): Change[] {
  const details: { key: string; from: string | null; to: string | null }[] = []
  const warnings: string[] = []
  const isProtected = topic.protect === true || matchesAny(topic.name, platform.protect ?? [])
  /** @returns whether the change loses records: an error where the topic is protected, else a warning */
  const checkLoss = (key: string, loss: string | null): boolean => {
    if (loss !== null && isProtected) {
      const message = `${loss}, and ${topic.name} is protected; keep it, or remove the protection first`
      errors.push(problemOf(platform, topic, `config.${key}`, message))
    } else if (loss !== null) {
      warnings.push(loss)
    }
    return loss !== null
  }
  for (const [key, to] of Object.entries(topic.config).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const from = live.config.get(key)?.value ?? null
    if (!sameSetting(key, from, to)) {
      details.push({ key, from, to })
      checkLoss(key, losesRecords(key, from, to))
    }
  }
  for (const key of topic.unset ?? []) {
    const entry = live.config.get(key)
    if (entry?.own) {
      details.push({ key, from: entry.value, to: null })
      const fallback = brokerDefaults?.get(key) ?? null
      const known = fallback === null ? '' : `, ${humanSetting(key, fallback)}`
      if (!checkLoss(key, losesByFallingBack(key, entry.value, fallback))) {
        warnings.push(`${key} falls back to the broker's default${known}`)
      }
    }
  }
  return details.length === 0 ? [] : [{ action: 'update', kind: 'topic-config', name: topic.name, details, warnings }]
}

/** The data that is lost by this change of a setting; null if none is. */
function losesRecords(key: string, from: string | null, to: string): string | null {
  if (from === null || sameSetting(key, from, to)) {
    return null
  }
  switch (key) {
    case 'retention.ms':
    case 'retention.bytes': {
      const before = Number(from)
      const after = Number(to)
      const shorter = after >= 0 && (before < 0 || after < before)
      const what = key === 'retention.ms' ? 'records older than' : 'records of a partition above'
      return shorter
        ? `deletes data: ${what} ${humanSetting(key, to)} (kept until now: ${humanSetting(key, from)})`
        : null
    }
    case 'cleanup.policy': {
      const had = from.split(',').map((part) => part.trim())
      const added = to.split(',').filter((policy) => !had.includes(policy))
      if (added.includes('compact')) {
        return 'deletes data: only the newest record of each key is kept, and records without a key are refused'
      }
      return added.includes('delete') ? 'deletes data: records beyond the retention, which compaction kept' : null
    }
    // KIP-950: the brokers refuse to switch it off unless what is stored remotely is deleted.
    case 'remote.storage.enable':
      return to === 'false' ? 'deletes data: everything that is in remote storage' : null
    case 'unclean.leader.election.enable':
      return to === 'true' ? 'may lose data: a replica that has not all records may become the leader' : null
    default:
      return null
  }
}

/** The same where the topic's own setting goes and the broker's default, null when it is not known, takes its place. */
function losesByFallingBack(key: string, from: string | null, fallback: string | null): string | null {
  if (fallback !== null) {
    const loss = losesRecords(key, from, fallback)
    return loss === null ? null : `${loss}; ${humanSetting(key, fallback)} is the broker's default`
  }
  return lossKeys.includes(key) ? `may delete data: the broker's default of ${key} is not known` : null
}

function compareSchema(topic: PlatformTopic, subject: LiveSubject, errors: PlatformProblem[]): Change[] {
  const { schema } = topic
  if (schema === undefined || subject.registered) {
    return []
  }
  const name = subjectOf(topic.name)
  if (subject.problems.length > 0) {
    const next = subject.latest === null ? 'cannot be registered' : `cannot follow version ${subject.latest.version}`
    for (const { message, pointer } of subject.problems) {
      errors.push({ file: schema.file, ...placeIn(schema.schema, pointer), path: name, message: `${next}: ${message}` })
    }
    return []
  }
  const { latest } = subject
  return [
    {
      action: latest === null ? 'create' : 'update',
      kind: 'schema',
      name,
      details: [
        { key: 'schema', from: latest === null ? null : `version ${latest.version}`, to: schema.file },
        ...(latest === null ? [] : schemaDetails(latest.schema, schema.schema)),
      ],
      warnings: [],
    },
  ]
}

function compareDeletions(platform: Platform, live: LiveState, options: PlanOptions, warnings: string[]): Change[] {
  if (options.allowDelete === true && (platform.owns ?? []).length === 0) {
    warnings.push(
      'No topic is deleted: the file owns no topics. `owns: [billing.*]` in it says which ones are its own.',
    )
  }
  // Dead letters belong to the declared topic, whether the library or a plan created them.
  const declared = new Set([...platform.topics.map(({ name }) => name), ...deadLetterNames(platform)])
  const deletions: Change[] = []
  for (const [name, topic] of [...live.topics].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (declared.has(name) || isInternalName(name) || !matchesAny(name, platform.owns ?? [])) {
      continue
    }
    if (matchesAny(name, platform.protect ?? [])) {
      warnings.push(`${name} is owned and not declared; it is protected and stays.`)
    } else if (options.allowDelete !== true) {
      warnings.push(`${name} is owned and not declared; --allow-delete would delete it.`)
    } else {
      deletions.push({
        action: 'delete',
        kind: 'topic',
        name,
        details: [{ key: 'partitions', from: String(topic.partitions), to: null }],
        warnings: ['deletes the topic and all of its records permanently'],
      })
    }
  }
  return deletions
}
