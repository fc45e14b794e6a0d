// Records in the identity that the controllers have formed their quorum. From then on a controller with an empty volume joins the
// others; before, it forms the cluster. Letting it form a cluster later could elect a leader that lacks committed data.
import type { KubernetesClient } from './api/client.ts'
import { clusterIdKey, formedKey } from './credentials/plan-identity.ts'
import { KubernetesError } from './errors.ts'

const maxTries = 5

/**
 * Sets `formed: "true"` in the ConfigMap. Running it again is safe.
 * @returns whether it was this call that set it
 * @throws KubernetesError NOT_FOUND or IDENTITY_INVALID when the ConfigMap is not that of a cluster
 */
export async function markFormed(client: KubernetesClient, configMap: string): Promise<boolean> {
  for (let attempt = 0; attempt < maxTries; attempt += 1) {
    const found = await client.get('ConfigMap', configMap)
    if (found === undefined) {
      throw new KubernetesError('NOT_FOUND', `There is no ConfigMap ${configMap} in namespace ${client.namespace}.`, {
        hint: 'The credentials Job makes it: look at the log of Job kafka-credentials.',
      })
    }
    if (!found.data?.[clusterIdKey]) {
      throw new KubernetesError('IDENTITY_INVALID', `ConfigMap ${configMap} has no ${clusterIdKey}.`, {
        reason: 'invalid',
        hint: "Put back the cluster.id that meta.properties on a broker's volume says.",
      })
    }
    if (found.data[formedKey] === 'true') return false
    const patched = await client.patch('ConfigMap', configMap, {
      metadata: { resourceVersion: found.metadata.resourceVersion },
      data: { [formedKey]: 'true' },
    })
    if (patched !== undefined) return true
  }
  throw new KubernetesError(
    'CONFLICT',
    `ConfigMap ${configMap} changes all the time: ${maxTries} tries to mark it failed.`,
    {
      reason: 'conflict',
      hint: 'Find out what else writes it.',
    },
  )
}
