// The public types of platform.yaml: the loaded file, the plan, and the result of applying it.
import type { AclBinding, AclOperation, AclPattern } from '@selfmonitor/cluster'
import type { CompatibilityLevel, SchemaDefinition } from '@selfmonitor/registry'
import type { Schedule } from './schedule.ts'

/** A place in a file, and the text of its path. */
export interface PlatformPosition {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `topics."user.events".partitions` */
  readonly path: string
}

export interface PlatformTopic {
  readonly name: string
  readonly partitions: number
  /** null: the file leaves it to the brokers (`default.replication.factor`, KIP-464), and it is not compared. */
  readonly replicationFactor: number | null
  /** Only what the file declares, by Kafka's names. */
  readonly config: Readonly<Record<string, string>>
  /** Settings that the file declares as the broker's default: the topic must have none of its own. */
  readonly unset?: readonly string[]
  readonly description?: string
  readonly owner?: string
  /** Nothing that loses records is ever planned: no deletion, no shorter retention. */
  readonly protect?: boolean
  /** Schema of the values, registered as `<topic>-value`. */
  readonly schema?: SchemaDefinition & { readonly file: string }
  readonly compatibility?: CompatibilityLevel
  /** By event type. */
  readonly eventTypes: Readonly<Record<string, PayloadSchema>>
  /** Of every service that consumes the topic and has no objective of its own for it. */
  readonly objectives?: { readonly freshness?: FreshnessObjective }
  /** What the file says about its backups; undefined when it says nothing. */
  readonly backup?: BackupPolicy
  /** Where `topic`, `partitions`, `replication`, `schema`, `compatibility` and each `config.<name>` are declared. */
  readonly at?: Readonly<Record<string, PlatformPosition>>
}

/** The JSON Schema of an event type's payload, registered as `<topic>-<event type>`. */
export interface PayloadSchema {
  readonly file: string
  /** As the file has it, for places in it. */
  readonly text: string
  readonly schema: object
}

export interface PlatformService {
  readonly name: string
  readonly produces: readonly string[]
  readonly consumes: readonly string[]
  readonly description?: string
  readonly owner?: string
  /** Consumer group; the service's name unless it says otherwise. */
  readonly group: string
  readonly objectives?: ServiceObjectives
  readonly at?: PlatformPosition
}

/** A share of time or of messages that has to be good, over a rolling period. */
export interface PlatformObjective {
  /** Above 0 and below 1: 0.995 */
  readonly target: number
  readonly periodDays: number
  readonly at?: PlatformPosition
}

/** The share of time in which the next unread message is at most this old. */
export interface FreshnessObjective extends PlatformObjective {
  readonly lagMs: number
}

/** The share of the probe's messages that come back within this time. */
export interface LatencyObjective extends PlatformObjective {
  readonly atMostMs: number
}

export interface ServiceObjectives {
  /** For every topic that the service consumes, but those of `freshnessByTopic`. */
  readonly freshness?: FreshnessObjective
  readonly freshnessByTopic?: ReadonlyMap<string, FreshnessObjective>
  /** The share of consumed messages that do not become dead letters. */
  readonly processing?: PlatformObjective
}

/** A team, and where its alerts are sent. Names, never secrets. */
export interface PlatformOwner {
  readonly name: string
  /** `#payments` */
  readonly slack?: string
  readonly pagerduty?: string
  readonly email?: readonly string[]
  readonly at?: PlatformPosition
}

export interface Alerting {
  /** The owner of the cluster, and of topics and services without an owner. */
  readonly owner?: string
  readonly smtp?: { readonly smarthost: string; readonly from: string; readonly username?: string }
}

/**
 * How a topic is backed up. Criticality and classification are there because DORA, Regulation (EU) 2022/2554, Article 12(1)(a), asks for
 * "the minimum frequency of the backup, based on the criticality of information or the confidentiality level of the data".
 */
export interface BackupPolicy {
  readonly frequency?: Schedule
  /** Recovery point objective: records may be this old before they are in a backup. */
  readonly rpoMs?: number
  /** Recovery time objective: how long a restore may take. */
  readonly rtoMs?: number
  readonly criticality?: 'critical' | 'high' | 'medium' | 'low'
  readonly classification?: 'public' | 'internal' | 'confidential' | 'restricted'
  /** Object Lock of what a backup writes of the topic. */
  readonly lock?: { readonly days: number; readonly mode: 'governance' | 'compliance' }
  /** Why the topic is left out of backups; then there is nothing else. */
  readonly none?: string
  readonly at?: PlatformPosition
}

/** A reconciliation that a drill runs over what it has restored. */
export interface Reconciliation {
  readonly name: string
  readonly topics: readonly string[]
  /** CEL expressions over a record, by the name of the total that they are summed up to. */
  readonly fold: Readonly<Record<string, string>>
  /** CEL expression over the totals. */
  readonly assert: string
  readonly at?: PlatformPosition
}

export type AccessMode = 'acls' | 'none'

/** One rule of an account beside those that follow from the services: what it may do with which resource. */
export interface PlatformAcl {
  readonly resourceType: 'topic' | 'group' | 'transactional-id' | 'cluster'
  readonly resourceName: string
  readonly pattern: AclPattern
  /** An address, or `*`. */
  readonly host: string
  readonly operations: readonly AclOperation[]
}

/** An account that is not a service, or more rights for one that is. */
export interface PlatformUser {
  readonly name: string
  readonly description?: string
  readonly acls: readonly PlatformAcl[]
  readonly at?: PlatformPosition
}

export interface Platform {
  readonly file: string
  readonly environment: string
  /** The environments that the file declares, in its order. */
  readonly environments?: readonly string[]
  /** Settings of the brokers that `selfmonitor up` starts for this environment, by Kafka's names. */
  readonly broker?: Readonly<Record<string, string>>
  /** Id of the cluster that this is for, where the file says one. */
  readonly cluster?: { readonly id: string; readonly at: PlatformPosition }
  /** Patterns (`*` matches any characters) of topics that may be deleted when they are not declared. */
  readonly owns?: readonly string[]
  /** Patterns of accounts that may be deleted, with their ACLs, when they are not declared. */
  readonly ownsUsers?: readonly string[]
  /** Patterns of topics that are never deleted and whose retention is never cut. */
  readonly protect?: readonly string[]
  readonly topics: readonly PlatformTopic[]
  readonly services: readonly PlatformService[]
  /** `acls`: every service and user is an account with the ACLs that follow from the file. Default `none`. */
  readonly access?: AccessMode
  /** Where the file says `access`. */
  readonly accessAt?: PlatformPosition
  readonly users?: readonly PlatformUser[]
  /** Of the cluster, as the end-to-end probe measures them. */
  readonly objectives?: { readonly availability?: PlatformObjective; readonly latency?: LatencyObjective }
  readonly owners?: readonly PlatformOwner[]
  readonly alerting?: Alerting
  /** Of topics that the file does not declare. */
  readonly backup?: BackupPolicy
  readonly drills?: { readonly checks: readonly Reconciliation[] }
  readonly audit?: AuditPlan
}

/** Where changes of the cluster are recorded, or why nowhere. */
export type AuditPlan =
  | { readonly topic: string; readonly none?: undefined }
  | { readonly none: string; readonly topic?: undefined }

/** A mistake in a platform file: where it is and what to do. */
export interface PlatformProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  /** `topics."user.events".partitions` */
  readonly path: string
  readonly message: string
}

export type ChangeAction = 'create' | 'update' | 'delete'

/** One thing that applying the plan does. */
export interface Change {
  readonly action: ChangeAction
  readonly kind: 'topic' | 'topic-partitions' | 'topic-config' | 'schema' | 'payload' | 'compatibility' | 'user' | 'acl'
  /** `user.events`, `user.events-value`, `user.events-user_created`, `fraud-detection`, `User:fraud-detection topic user.events` */
  readonly name: string
  /** The event type whose payload it is about: of kind `payload`, and of the `compatibility` of one. */
  readonly event?: { readonly topic: string; readonly type: string }
  /** The changed settings; `from` is null for a new one, `to` is null for a removed one. */
  readonly details: readonly { readonly key: string; readonly from: string | null; readonly to: string | null }[]
  /** Warnings to consider before confirming (keys move, retention shrinks). */
  readonly warnings: readonly string[]
  /** The rules that come or go; of kind `acl` only. */
  readonly acls?: readonly AclBinding[]
}

export interface Plan {
  readonly environment: string
  readonly clusterId: string
  /** Where that cluster was reached, `host:port,…`. */
  readonly bootstrapServers: string
  readonly changes: readonly Change[]
  /** Errors that make the plan impossible; a plan with errors is never applied, not even in part. */
  readonly errors: readonly PlatformProblem[]
  readonly warnings: readonly string[]
  /** Notes about things that the plan leaves out: settings that topics have and the file does not declare. */
  readonly hints: readonly string[]
}

export interface ApplyResult {
  readonly applied: readonly Change[]
  readonly failed: { readonly change: Change; readonly error: Error } | null
  /** Changes that were not tried, or not finished, because of the failure; in the plan's order. */
  readonly notApplied: readonly Change[]
}
