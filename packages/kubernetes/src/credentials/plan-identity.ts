// The identity of the cluster: its id, and one directory id for every controller there may be. Once storage is formatted with
// them they can never change, so what exists is only ever completed.
import { kafkaUuidProblem } from '../random.ts'
import type { Draft } from './draft.ts'

export const clusterIdKey = 'cluster-id'
export const formedKey = 'formed'

export function planIdentity({ spec, existing, steps, problems }: Draft): void {
  const { configMap: name, controllers } = spec.identity
  const found = existing.configMaps.get(name)
  const directoryKeys = Array.from({ length: controllers }, (_, ordinal) => `controller-${ordinal}.directory-id`)
  const keys = [clusterIdKey, ...directoryKeys]
  if (found === undefined) {
    steps.push({
      action: 'create',
      kind: 'ConfigMap',
      name,
      reason: `cluster id and directory ids of ${controllers} controllers`,
      make: { what: 'ids', keys },
    })
    return
  }
  const ids = new Map<string, string>()
  for (const [key, value] of Object.entries(found.data)) {
    if (key !== clusterIdKey && !/^controller-\d+\.directory-id$/.test(key)) continue
    const problem = kafkaUuidProblem(value)
    if (problem !== undefined) problems.push(`ConfigMap ${name}: ${key} "${value}" ${problem}`)
    const same = ids.get(value)
    if (same !== undefined) problems.push(`ConfigMap ${name}: ${key} and ${same} are the same id: each must be unique`)
    ids.set(value, key)
  }
  const missing = keys.filter((key) => found.data[key] === undefined)
  if (missing.includes(clusterIdKey) && found.data[formedKey] === 'true') {
    problems.push(
      `ConfigMap ${name} has no ${clusterIdKey}, and the cluster has been formed: put back the id that meta.properties on a ` +
        `broker's volume says (cluster.id)`,
    )
    return
  }
  if (missing.length === 0) return
  steps.push({
    action: 'update',
    kind: 'ConfigMap',
    name,
    reason: `add ${missing.length === 1 ? missing[0] : `${missing.length} ids that it lacks`}`,
    make: { what: 'ids', keys: missing },
    resourceVersion: found.resourceVersion,
  })
}
