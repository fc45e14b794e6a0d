// The folder's one door: the registry as a server; also the door of `@selfmonitor/registry/server`.
export { RegistryOptionsError } from './errors.ts'
export { startRegistry } from './start.ts'
