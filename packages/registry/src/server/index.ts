// The exports of this folder and of `@selfmonitor/registry/server`: the registry as a server.
export { RegistryOptionsError } from './errors.ts'
export { startRegistry } from './start.ts'
