// Carries out a plan: one kind of change after the other, a few topics at a time. Stops at the first failure.
import type { Cluster } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { CompatibilityLevel, RegistryClient } from '@selfmonitor/registry'
import { deadLetterTopics } from '../access.ts'
import { formatProblem, PlatformError } from '../errors.ts'
import { eachOf } from '../live/each.ts'
import { readLiveState } from '../live/live.ts'
import { mechanism } from '../live/live-access.ts'
import { type DeclaredPayload, payloadsOf } from '../live/payloads.ts'
import { subjectOf } from '../live/subject.ts'
import type { ApplyResult, Change, Plan, Platform, PlatformTopic } from '../model.ts'
import type { Passwords } from '../passwords.ts'
import { payloadDefinition } from '../payload/subject.ts'
import { computePlan } from '../plan/plan.ts'
import type { PlanOptions } from '../plan/plan-options.ts'

/**
 * Compares the file with what is live; changes nothing.
 *
 * @param registry null plans without schemas, with a warning
 * @throws ClusterError, or the registry client's error, when one of them cannot be asked
 */
export async function planPlatform(
  platform: Platform,
  cluster: Cluster,
  registry: RegistryClient | null,
  options: PlanOptions = {},
): Promise<Plan> {
  return computePlan(platform, await readLiveState(platform, cluster, registry, options.passwords ?? null), options)
}

export interface ApplyProgress {
  readonly change: Change
  readonly state: 'started' | 'done' | 'failed'
}

export interface ApplyOptions {
  onProgress?: (progress: ApplyProgress) => void
  /** The passwords that the plan was made with; a plan that makes accounts needs them. */
  passwords?: Passwords | null
}

const atATime = 6

/**
 * Applies a plan of `planPlatform`. New topics are created in one request, and so are the rules of one account; other
 * changes of one kind run side by side (no topic has two), one kind after the other in the plan's order. After a failure
 * nothing new is begun.
 *
 * @returns what was done, what failed and what was left, each in the plan's order
 * @throws PlatformError PLAN_HAS_ERRORS, or WRONG_CLUSTER when the plan was made for another cluster; nothing has been
 *   touched then
 */
export async function applyPlan(
  plan: Plan,
  platform: Platform,
  cluster: Cluster,
  registry: RegistryClient | null,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  if (plan.errors.length > 0) {
    throw new PlatformError(
      'PLAN_HAS_ERRORS',
      `The plan has errors, and no part of it was applied:\n${plan.errors.map(formatProblem).join('\n')}`,
      plan.errors,
    )
  }
  const { clusterId } = await cluster.info()
  if (clusterId !== plan.clusterId) {
    throw new PlatformError(
      'WRONG_CLUSTER',
      `The plan is for cluster ${plan.clusterId}, and this is ${clusterId}: plan again`,
    )
  }
  const topics = new Map([...platform.topics, ...deadLetterTopics(platform)].map((topic) => [topic.name, topic]))
  const subjects = new Map(platform.topics.map((topic) => [subjectOf(topic.name), topic]))
  const payloads = new Map(payloadsOf(platform.topics).map((payload) => [payload.subject, payload]))
  const done = new Set<Change>()
  const failures = new Map<Change, Error>()

  const report = (change: Change, state: ApplyProgress['state']) => options.onProgress?.({ change, state })
  const succeed = (change: Change) => {
    done.add(change)
    report(change, 'done')
  }
  const fail = (change: Change, error: unknown) => {
    failures.set(change, error instanceof Error ? error : new Error(String(error)))
    report(change, 'failed')
  }

  async function runOne(change: Change): Promise<void> {
    report(change, 'started')
    try {
      await perform(change, { topics, subjects, payloads, passwords: options.passwords ?? null }, cluster, registry)
      succeed(change)
    } catch (error) {
      fail(change, error)
    }
  }

  /** All new topics in one request: a cluster commits them together, many times faster than one by one. */
  async function createTopics(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      report(change, 'started')
    }
    const errors = await creationErrors(changes, topics, cluster)
    for (const change of changes) {
      const error = errors === null ? undefined : (errors.get(`topic ${change.name}`) ?? errors.get(null))
      if (error === undefined) {
        succeed(change)
      } else {
        fail(change, error)
      }
    }
  }

  /** The rules of one account, all of them or none. */
  async function changeAcls(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      report(change, 'started')
    }
    const rules = changes.flatMap(({ acls = [] }) => acls)
    try {
      await (changes[0]!.action === 'delete' ? cluster.deleteAcls(rules) : cluster.createAcls(rules))
      changes.forEach(succeed)
    } catch (error) {
      for (const change of changes) {
        fail(change, error)
      }
    }
  }

  const stopped = () => failures.size > 0
  for (const group of consecutive(plan.changes, (change) => `${change.action === 'delete'} ${change.kind}`)) {
    if (group[0]!.kind === 'topic' && group[0]!.action === 'create') {
      for (const batch of creationBatches(group, topics)) {
        if (failures.size === 0) {
          await createTopics(batch)
        }
      }
    } else if (group[0]!.kind === 'acl') {
      const accounts = consecutive(group, ({ acls }) => acls?.[0]?.principal ?? '')
      await eachOf(accounts, changeAcls, { atATime, stopped })
    } else {
      await eachOf(group, runOne, { atATime, stopped })
    }
    if (failures.size > 0) {
      break
    }
  }
  const failed = plan.changes.find((change) => failures.has(change))
  return {
    applied: plan.changes.filter((change) => done.has(change)),
    failed: failed === undefined ? null : { change: failed, error: failures.get(failed)! },
    notApplied: plan.changes.filter((change) => !done.has(change) && change !== failed),
  }
}

/** KIP-464: as many replicas as `default.replication.factor` of the brokers says. */
const brokersDefault = -1

/** Kafka refuses a request that makes more than 10,000 partitions at once. */
const partitionsPerRequest = 1_000

function creationBatches(changes: readonly Change[], topics: ReadonlyMap<string, PlatformTopic>): Change[][] {
  const batches: Change[][] = []
  let room = 0
  for (const change of changes) {
    const { partitions } = declared(topics, change.name)
    if (batches.length === 0 || partitions > room) {
      batches.push([])
      room = partitionsPerRequest
    }
    batches.at(-1)!.push(change)
    room -= partitions
  }
  return batches
}

/** Errors by resource; under null the one of the whole request. null when all topics were created. */
async function creationErrors(
  changes: readonly Change[],
  topics: ReadonlyMap<string, PlatformTopic>,
  cluster: Cluster,
): Promise<Map<string | null, Error> | null> {
  try {
    await cluster.createTopics(
      changes.map(({ name }) => {
        const { partitions, replicationFactor, config } = declared(topics, name)
        return { name, partitions, replicationFactor: replicationFactor ?? brokersDefault, config }
      }),
    )
    return null
  } catch (error) {
    const own = error instanceof ClusterError ? [error, ...error.others] : []
    const named = own.filter(({ kafkaError, resource }) => kafkaError !== null && resource?.startsWith('topic '))
    return named.length > 0
      ? new Map(named.map((one) => [one.resource, one]))
      : new Map([[null, error instanceof Error ? error : new Error(String(error))]])
  }
}

interface Declared {
  readonly topics: ReadonlyMap<string, PlatformTopic>
  readonly subjects: ReadonlyMap<string, PlatformTopic>
  readonly payloads: ReadonlyMap<string, DeclaredPayload>
  readonly passwords: Passwords | null
}

async function perform(
  change: Change,
  { topics, subjects, payloads, passwords }: Declared,
  cluster: Cluster,
  registry: RegistryClient | null,
): Promise<void> {
  const { kind, name } = change
  switch (kind) {
    case 'topic':
      // Only deletions come here: new topics are created together.
      return cluster.deleteTopics([name])
    case 'topic-partitions':
      return cluster.createPartitions([{ topic: name, partitions: declared(topics, name).partitions }])
    case 'topic-config': {
      const set = Object.fromEntries(change.details.map(({ key, to }) => [key, to]))
      return cluster.alterTopicConfigs([{ topic: name, set }])
    }
    case 'compatibility':
      return needed(registry).setCompatibility(levelOf(change, topics, subjects), name)
    case 'schema':
      await needed(registry).register(name, declared(subjects, name).schema!)
      return
    case 'payload':
      await needed(registry).register(name, payloadDefinition(declared(payloads, name).payload.schema))
      return
    case 'user':
      return change.action === 'delete' ? cluster.deleteUsers([name]) : setPassword(name, passwords, cluster)
    case 'acl':
      throw new Error('ACLs are changed together, an account at a time')
    default:
      return kind satisfies never
  }
}

function levelOf(
  { name, event }: Change,
  topics: Declared['topics'],
  subjects: Declared['subjects'],
): CompatibilityLevel {
  const topic = event === undefined ? declared(subjects, name) : declared(topics, event.topic)
  return topic.compatibility!
}

function setPassword(name: string, passwords: Passwords | null, cluster: Cluster): Promise<void> {
  const password = passwords?.byAccount.get(name)
  if (password === undefined) {
    throw new Error(`The plan sets the password of ${name}, and it was not given: pass the passwords of the plan`)
  }
  return cluster.setUserPasswords([{ name, password, mechanism }])
}

function declared<T>(all: ReadonlyMap<string, T>, name: string): T {
  const found = all.get(name)
  if (found === undefined) {
    throw new Error(`The plan changes ${name}, which this platform does not declare: plan again`)
  }
  return found
}

function needed(registry: RegistryClient | null): RegistryClient {
  if (registry === null) {
    throw new Error('The plan changes schemas, and there is no Schema Registry to change them in')
  }
  return registry
}

/** Splits a list where the key changes. */
function consecutive<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups: T[][] = []
  for (const item of items) {
    const last = groups.at(-1)
    if (last !== undefined && key(last[0]!) === key(item)) {
      last.push(item)
    } else {
      groups.push([item])
    }
  }
  return groups
}
