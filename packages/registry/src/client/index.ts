// The exports of this folder: the client of a registry.
export { createRegistryClient } from './client.ts'
export { RegistryError, type RegistryErrorCode } from './errors.ts'
export { type RegistryLogin, registryLogin, serviceLogin } from './login.ts'
