// The exports of this folder: the registry's state and the topic that holds it.
export {
  contextOf,
  defaultContext,
  globalContext,
  nameOf,
  normalizeSubject,
  qualify,
  settingScopes,
  settingsOf,
} from './contexts.ts'
export { StoreError, TopicUnusableError } from './errors.ts'
export { encodeContextValue, encodeSchemaValue, encodeValue, type SchemaValue } from './records.ts'
export { fingerprint, guidOf, type SchemaIdentity } from './schema-table.ts'
export type { RegistryState } from './state.ts'
export { openStore, type Store, type StoreOptions, type Transaction } from './store.ts'
