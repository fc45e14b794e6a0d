// The package's one door.

export { AvroSchemaError, parseAvro, printAvro } from './avro/index.ts'
export { createRegistryClient, RegistryError, type RegistryErrorCode } from './client/index.ts'
export { checkAvroReader, compatibilityLevels, findConflict, isCompatibilityLevel } from './compatibility/index.ts'
export { formatOf, InvalidSchemaError } from './formats/index.ts'
export { decodeFrame, encodeFrame, FrameError, frameHeaderBytes } from './frame.ts'
export { RegistryOptionsError, startRegistry } from './server/index.ts'
export { StoreError, TopicUnusableError } from './store/index.ts'
export type * from './types.ts'
