// The registry as `doctor` and `exporter` watch it: by the registry's own client, which knows its login and its CA.
import type { ServiceClient } from '@selfmonitor/monitor'
import type { Context } from '../framework/context.ts'

/**
 * @returns undefined when no registry was named and none was started here: one at the default address may be another project's
 * @throws RegistryError REGISTRY_OPTIONS naming the variable that is missing or wrong
 */
export async function watchedRegistry(context: Context): Promise<ServiceClient | undefined> {
  const { registryNamed, registryUrl } = context.settings
  if (!registryNamed && registryUrl.origin !== 'selfmonitor up') return undefined
  const client = await context.registry()
  return { url: client.url, ask: () => client.subjects() }
}
