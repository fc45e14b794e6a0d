// The folder's one door: the registry as a server.
export { RegistryOptionsError, startRegistry } from './start.ts'
