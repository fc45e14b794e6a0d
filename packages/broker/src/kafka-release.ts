// The Apache Kafka release that this broker implements. API versions, features and settings are those of one release, so that tools
// can tell which one they use. `kafka-release.test.ts` compares all of them with that release. To raise it, raise the pinned Apache
// Kafka (packages/apache), then everything that the test names.

export const kafkaRelease = '4.3'

/** The release's levels of `metadata.version`: 3.3-IV3 to 4.3-IV0. */
export const metadataVersions = { min: 7, max: 30 } as const
