// Typed faults, for tests of clients: rules that change what happens to the nth request of an API, a topic, a group.
import { apis, kafkaErrorByName } from '@selfmonitor/protocol'
import type { FaultRule } from '../types.ts'

/** A rule that cannot work as it is written. */
export class FaultRuleError extends Error {
  readonly code = 'INVALID_FAULT_RULE'
  constructor(message: string) {
    super(message)
    this.name = 'FaultRuleError'
  }
}

export interface FaultSubject {
  readonly api: string
  /** The decoded request. */
  readonly request: unknown
}

export interface Faults {
  /** Adds a rule and returns the function that removes it. @throws FaultRuleError */
  add(rule: FaultRule): () => void
  clear(): void
  /** The action of the first rule that applies to this request. Each rule that matches counts it. */
  actionFor(subject: FaultSubject, topicName: (id: string) => string | undefined): FaultRule['action'] | undefined
}

export function makeFaults(): Faults {
  const rules = new Set<{ readonly rule: FaultRule; seen: number }>()
  return {
    add(rule) {
      checkRule(rule)
      const entry = { rule, seen: 0 }
      rules.add(entry)
      return () => rules.delete(entry)
    },
    clear: () => rules.clear(),
    actionFor({ api, request }, topicName) {
      if (rules.size === 0) return undefined
      let action: FaultRule['action'] | undefined
      let names: RequestNames | undefined
      for (const entry of rules) {
        const { rule } = entry
        if (rule.api !== api) continue
        if (rule.topic !== undefined || rule.group !== undefined) {
          names ??= namesIn(request, topicName)
          if (rule.topic !== undefined && !names.topics.has(rule.topic)) continue
          if (rule.group !== undefined && !names.groups.has(rule.group)) continue
        }
        entry.seen++
        if (rule.nth === undefined || rule.nth === entry.seen) action ??= rule.action
      }
      return action
    },
  }
}

function checkRule(rule: FaultRule): void {
  if (!Object.hasOwn(apis, rule.api)) {
    throw new FaultRuleError(`api: "${rule.api}" is not an API; the names are Kafka's: ${Object.keys(apis).join(', ')}`)
  }
  if (rule.nth !== undefined && !(Number.isInteger(rule.nth) && rule.nth >= 1)) {
    throw new FaultRuleError(`nth: must be a whole number from 1, it is ${rule.nth}`)
  }
  if ('error' in rule.action && kafkaErrorByName(rule.action.error) === undefined) {
    throw new FaultRuleError(`action.error: "${rule.action.error}" is not a Kafka error`)
  }
  if ('delayMs' in rule.action && !(rule.action.delayMs >= 0)) {
    throw new FaultRuleError(`action.delayMs: must be at least 0, it is ${rule.action.delayMs}`)
  }
}

interface RequestNames {
  readonly topics: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
}

/** Fields that hold these names in any API. */
const topicFields = new Set(['topic', 'topicName', 'topicNames'])
const groupFields = new Set(['groupId', 'groups', 'groupsNames', 'coordinatorKeys', 'key'])
/** Lists whose elements' `name` is a topic. */
const topicLists = new Set(['topics', 'topicData'])

/** Every topic and group that a decoded request of any API names, found by the names of its fields. */
export function namesIn(request: unknown, topicName: (id: string) => string | undefined): RequestNames {
  const topics = new Set<string>()
  const groups = new Set<string>()
  const visit = (value: unknown, field: string): void => {
    if (typeof value === 'string') {
      if (topicFields.has(field)) topics.add(value)
      else if (groupFields.has(field)) groups.add(value)
      else if (field === 'topicId') {
        const name = topicName(value)
        if (name !== undefined) topics.add(name)
      }
    } else if (Array.isArray(value)) {
      for (const item of value) {
        // Structs, as in DeleteTopics v6; in v0 they are plain strings in a list called `topicNames`.
        if (topicLists.has(field) && typeof item === 'object' && item !== null && typeof item.name === 'string') {
          topics.add(item.name)
        }
        visit(item, field)
      }
    } else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
      const resource = value as { resourceType?: unknown; resourceName?: unknown }
      if (resource.resourceType === 2 && typeof resource.resourceName === 'string') topics.add(resource.resourceName)
      for (const [name, member] of Object.entries(value)) visit(member, name)
    }
  }
  visit(request, '')
  return { topics, groups }
}
