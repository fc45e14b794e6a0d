// Our declarations against Apache Kafka's own, field by field, from the jars of the version that they follow.
import { ApacheError } from '@selfmonitor/apache'
import { beforeAll, describe, expect, it } from 'vitest'
import { allMessages } from '../testing/every-version.ts'
import { type JsonMessage, readKafkaDefinitions, shapeOfKafka, shapeOfOurs } from '../testing/kafka-definitions.ts'
import { definitionsVersion, fetchDefinitionJars } from '../testing/kafka-jars.ts'
import { requestHeader, responseHeader } from './api/headers.ts'
import { apis } from './index.ts'

// Declared and readable, but not advertised yet: the pinned Apache Kafka, the other engine, does not serve them.
const newInKafka44: ReadonlySet<string> = new Set(['ApiVersions', 'DeleteGroups'])

const jars = await fetchDefinitionJars().catch((error: unknown): string => {
  if (!(error instanceof ApacheError) || process.env.CI) throw error
  return error.message
})

describe.skipIf(typeof jars === 'string')(`declarations are those of Apache Kafka ${definitionsVersion}`, () => {
  let definitions: Map<string, JsonMessage>
  beforeAll(async () => {
    definitions = await readKafkaDefinitions(jars as readonly string[])
  })

  it.each([...allMessages, requestHeader, responseHeader].map((message) => [message.name, message] as const))(
    '%s',
    (name, message) => {
      const definition = definitions.get(name)
      expect(definition, `Kafka has no ${name}`).toBeDefined()
      expect(shapeOfOurs(message)).toEqual(shapeOfKafka(definition!))
    },
  )

  it.each(Object.values(apis).map((api) => [api.name, api] as const))(
    '%s has its key, name and advertised versions',
    (name, api) => {
      const request = definitions.get(`${name}Request`)!
      const response = definitions.get(`${name}Response`)!
      expect([request.apiKey, response.apiKey]).toEqual([api.key, api.key])
      expect([api.request.name, api.response.name]).toEqual([request.name, response.name])
      expect(api.response.versions).toBe(api.request.versions)
      const withheld = request.latestVersionUnstable === true || newInKafka44.has(name) ? 1 : 0
      expect(api.advertised.max).toBe(api.versions.max - withheld)
      // KAFKA-18659: librdkafka compresses only where it sees Produce from version 0.
      expect(api.advertised.min).toBe(name === 'Produce' ? 0 : api.versions.min)
    },
  )
})
