// The package's public exports. Most who come through it are clients: the server, and with it a Kafka client and a web
// framework, is loaded when one is started, or at once by those who import `@selfmonitor/registry/server`. The schema languages
// beside Avro are in `@selfmonitor/registry/formats`.
import type { RegistryOptions, RegistryServer } from './types.ts'

export {
  type AvroSchema,
  AvroSchemaError,
  isNamed,
  type NamedSchema,
  type NamedTypes,
  parseAvro,
  printAvro,
  type RecordSchema,
} from './avro/index.ts'
export {
  createRegistryClient,
  RegistryError,
  type RegistryErrorCode,
  type RegistryLogin,
  registryLogin,
  serviceLogin,
} from './client/index.ts'
export { checkAvroReader, compatibilityLevels, findConflict, isCompatibilityLevel } from './compatibility/index.ts'
export { type InvalidSchema, readInvalidSchema } from './compatibility/read-invalid.ts'
export {
  explainReason,
  type Incompatibility,
  type IncompatibilityReason,
  readIncompatibility,
} from './compatibility/read-messages.ts'
export { InvalidSchemaError } from './formats/types.ts'
export { decodeFrame, FrameError, frameHeaderBytes, isFrame, writeFrameHeader } from './frame.ts'
export { JsonSyntaxError, jsonProblem } from './json/index.ts'
export { RegistryOptionsError } from './server/errors.ts'
export { StoreError, TopicUnusableError } from './store/errors.ts'
export type * from './types.ts'

/**
 * Starts a registry: reads the topic to its end, then listens.
 * @throws {RegistryOptionsError} an address that others can reach, without `insecure`
 * @throws {TopicUnusableError} the topic has several partitions or is not compacted
 * @throws {StoreError} Kafka was not reached in time
 */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const server = await import('./server/index.ts')
  return server.startRegistry(options)
}
