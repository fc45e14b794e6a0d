// Which Apache Kafka this broker is. API versions, features and settings are those of one release: a tool that finds settings of one and
// versions of another cannot tell what it talks to. `kafka-release.test.ts` holds all of them against that release; to raise it,
// raise the pinned Apache Kafka (packages/apache), then everything that the test names.

export const kafkaRelease = '4.3'

/** The release's levels of `metadata.version`: 3.3-IV3 to 4.3-IV0. */
export const metadataVersions = { min: 7, max: 30 } as const
