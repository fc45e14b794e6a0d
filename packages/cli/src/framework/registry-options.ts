// How this run reaches the registry: its address, and the login and CA that the environment gives for it.
import type { RegistryLogin } from '@selfmonitor/registry'
import type { Io } from './io.ts'
import type { Settings } from './settings.ts'

/** @throws RegistryError REGISTRY_OPTIONS naming the variable that is missing or wrong */
export async function registryOptions(
  settings: Pick<Settings, 'registryUrl' | 'registryNamed'>,
  env: Io['env'],
): Promise<RegistryLogin & { readonly url: string }> {
  const { registryLogin } = await import('@selfmonitor/registry')
  // A registry that `up` started has no login, so the login in the environment is for another one.
  return { url: settings.registryUrl.value, ...(settings.registryNamed ? registryLogin(env) : {}) }
}
