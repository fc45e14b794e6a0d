// The objectives of a platform, one by one: what rules, dashboards and OpenSLO are made of. Pure.
import { deadLetterTopicOf } from './access.ts'
import type { Platform, PlatformObjective } from './model.ts'

/** How it is measured. */
export type Indicator =
  /** Share of the time in which the group is at most `lagMs` behind on the topic. */
  | { readonly kind: 'freshness'; readonly group: string; readonly topic: string; readonly lagMs: number }
  /** Share of the messages that the group consumed and that did not become dead letters. */
  | {
      readonly kind: 'processing'
      readonly group: string
      readonly topics: readonly string[]
      readonly deadLetterTopics: readonly string[]
    }
  /** Share of the end-to-end probe's messages that came back. */
  | { readonly kind: 'availability' }
  /** Share of them that came back within `atMostMs`. */
  | { readonly kind: 'latency'; readonly atMostMs: number }

export interface Objective {
  /** Of the service; `kafka` for the cluster. */
  readonly service: string
  /** `freshness-user.events`, `processing`, `availability`, `latency` */
  readonly name: string
  readonly owner?: string
  readonly target: number
  readonly periodDays: number
  readonly indicator: Indicator
}

/** The name that the cluster's own objectives have as a service. */
export const clusterService = 'kafka'

/**
 * Every objective of a platform: of the cluster, then of the services in the order of the file.
 *
 * A service's own objective for a topic goes before its objective for all topics, and that before the topic's.
 */
export function objectivesOf({ objectives, alerting, services, topics }: Platform): Objective[] {
  const clusterOwner = ownedBy(alerting?.owner)
  const ofTopic = new Map(topics.map((topic) => [topic.name, topic.objectives?.freshness]))
  const found: Objective[] = []
  const add = (
    service: string,
    name: string,
    owner: Pick<Objective, 'owner'>,
    objective: PlatformObjective | undefined,
    indicator: () => Indicator,
  ): void => {
    if (objective === undefined) return
    const { target, periodDays } = objective
    found.push({ service, name, ...owner, target, periodDays, indicator: indicator() })
  }
  add(clusterService, 'availability', clusterOwner, objectives?.availability, () => ({ kind: 'availability' }))
  add(clusterService, 'latency', clusterOwner, objectives?.latency, () => ({
    kind: 'latency',
    atMostMs: objectives!.latency!.atMostMs,
  }))
  for (const { name: service, group, consumes, objectives: own, owner } of services) {
    for (const topic of consumes) {
      const freshness = own?.freshnessByTopic?.get(topic) ?? own?.freshness ?? ofTopic.get(topic)
      add(service, `freshness-${topic}`, ownedBy(owner ?? alerting?.owner), freshness, () => ({
        kind: 'freshness',
        group,
        topic,
        lagMs: freshness!.lagMs,
      }))
    }
    add(service, 'processing', ownedBy(owner ?? alerting?.owner), own?.processing, () => ({
      kind: 'processing',
      group,
      topics: consumes,
      deadLetterTopics: consumes.map(deadLetterTopicOf),
    }))
  }
  return found
}

const ownedBy = (owner: string | undefined): Pick<Objective, 'owner'> => (owner === undefined ? {} : { owner })
