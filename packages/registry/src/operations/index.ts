// The exports of this folder: the operations of the registry, without HTTP.
export { incompatibilities } from './check.ts'
export { type ConfigChange, type ConfigField, configFieldNames } from './config-fields.ts'
export { mergedContract, requireValid } from './contracts.ts'
export { deleteContext, deleteSubject, deleteVersion } from './delete.ts'
export { errors, largestNumber, RegistryRefusal } from './errors.ts'
export {
  findSchema,
  findVersion,
  levelInScope,
  levelOf,
  modeInScope,
  normalizeInScope,
  parseVersion,
  type VersionSpec,
} from './lookup.ts'
export { type Registered, type RegisterRequest, register } from './register.ts'
export { registerTagged, type TagRequest } from './register-tagged.ts'
export { parseSent, parseStored } from './schemas.ts'
export { configFields, deleteConfig, deleteMode, setConfig, setMode } from './settings.ts'
