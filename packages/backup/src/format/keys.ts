// The names of a backup's objects. Numbers have leading zeros, so that the order of names is that of numbers.

const offsetDigits = 20
const numberDigits = 10

/** The cluster's part of a store; a cluster id is made of `A-Z a-z 0-9 _ -`. */
export function clusterPrefix(clusterId: string): string {
  return `${clusterId}/`
}

export function manifestPrefix(clusterId: string): string {
  return `${clusterPrefix(clusterId)}manifests/`
}

export function manifestKey(clusterId: string, number: number): string {
  return `${manifestPrefix(clusterId)}${String(number).padStart(numberDigits, '0')}.json`
}

/** @returns null for the key of another kind of object */
export function manifestOf(key: string): { readonly clusterId: string; readonly number: number } | null {
  const found = /^([^/]+)\/manifests\/(\d+)\.json$/.exec(key)
  return found === null ? null : { clusterId: found[1]!, number: Number(found[2]) }
}

/** @param run names the run of the program that writes it, so that a run that was killed is not in the way of the next */
export function indexKey(clusterId: string, run: string): string {
  return `${clusterPrefix(clusterId)}index/${run}.json.zst`
}

export function stateKey(clusterId: string, run: string): string {
  return `${clusterPrefix(clusterId)}state/${run}.json.zst`
}

export function schemasKey(clusterId: string, run: string): string {
  return `${clusterPrefix(clusterId)}schemas/${run}.json.zst`
}

export interface SegmentPlace {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export function segmentKey(
  clusterId: string,
  { topic, topicId, partition }: SegmentPlace,
  from: bigint,
  run: string,
): string {
  const offset = String(from).padStart(offsetDigits, '0')
  return `${clusterPrefix(clusterId)}topics/${topic}/${topicId}/${partition}/${offset}.${run}.log.zst`
}

/** A name for one run: `0000000012-3fa9c1`. */
export function runName(number: number, random: string): string {
  return `${String(number).padStart(numberDigits, '0')}-${random}`
}

/** The run that wrote an object, and the number of the backup that it wrote it for; null for a name of another form. */
export function runOf(key: string): { readonly name: string; readonly number: number } | null {
  const found = /\/manifests\/(\d{10})\.json$|[/.]((\d{10})-[0-9a-f]+)\.(?:json|log)\.zst(?:\.age)?$/.exec(key)
  return found === null ? null : { name: found[2] ?? found[1]!, number: Number(found[1] ?? found[3]) }
}
