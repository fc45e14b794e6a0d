// Which Schema Registry belongs to a cluster that is backed up or restored.
import type { SchemaSource } from '@selfmonitor/backup'
import type { Cluster } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'

const registryTopic = '_schemas'

/**
 * The registry that is named, or that `up` started with these brokers. Where neither is so, the default address may be another cluster's:
 * it is asked only if the cluster has a registry's topic, and must say that it keeps its schemas there.
 * @returns null when the cluster seems to have no registry
 */
export async function registryOfCluster(context: Context, cluster: Cluster): Promise<SchemaSource | null> {
  const mustBeOfCluster = context.settings.registryUrl.origin === 'default'
  if (mustBeOfCluster && !(await cluster.listTopics()).some(({ name }) => name === registryTopic)) return null
  return { client: await context.registry(), mustBeOfCluster }
}
