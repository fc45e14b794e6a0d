// The topics, schemas and consumer groups of platform.yaml, for programs that want them as data:
//
//     import { consumerGroups, schemas, topics } from './topics-architecture.ts'
//
// `node topics-architecture.ts` prints them as JSON. SELFMONITOR_ENV chooses the environment.
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { PlatformTopic } from '@selfmonitor/platform'

// Like `node --conditions=source`: imports resolve to the sources of this repository's packages, so no build is needed.
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: ['source', ...(context.conditions ?? [])] }),
})
const { defaultEnvironment, loadPlatform, subjectOf } = await import('@selfmonitor/platform')

const platform = await loadPlatform(fileURLToPath(new URL('../../platform.yaml', import.meta.url)), {
  environment: process.env.SELFMONITOR_ENV ?? defaultEnvironment,
})

/** A topic as `platform.yaml` declares it. `config` has Kafka's setting names and values. */
export type Topic = Pick<PlatformTopic, 'name' | 'partitions' | 'replicationFactor' | 'config' | 'description'>

/** A schema as the registry accepts it, and the JSON Schema of each event type's payload. */
export interface TopicSchema {
  readonly subject: string
  readonly topic: string
  readonly schemaType: string
  readonly schema: string
  readonly events: Readonly<Record<string, object>>
}

/** The consumer group of a service that reads, and its topics. */
export interface ConsumerGroup {
  readonly groupId: string
  readonly service: string
  readonly topics: readonly string[]
}

export const topics: readonly Topic[] = platform.topics.map(
  ({ name, partitions, replicationFactor, config, description }) => ({
    name,
    partitions,
    replicationFactor,
    config,
    ...(description !== undefined && { description }),
  }),
)

export const schemas: readonly TopicSchema[] = platform.topics.flatMap(({ name, schema, eventTypes }) =>
  schema === undefined
    ? []
    : [
        {
          subject: subjectOf(name),
          topic: name,
          schemaType: schema.schemaType ?? 'AVRO',
          schema: schema.schema,
          events: Object.fromEntries(Object.entries(eventTypes).map(([type, event]) => [type, event.schema])),
        },
      ],
)

export const consumerGroups: readonly ConsumerGroup[] = platform.services
  .filter(({ consumes }) => consumes.length > 0)
  .map(({ name, group, consumes }) => ({ groupId: group, service: name, topics: consumes }))

if (import.meta.main) console.log(JSON.stringify({ topics, schemas, consumerGroups }, null, 2))
