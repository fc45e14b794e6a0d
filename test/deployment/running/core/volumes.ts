// The files of a volume: ConfigMaps, Secrets, projections and the downward API as files with their modes.
import { contentsOf, fieldOf, type Lookup, MissingObject, type PodFacts } from './environment.ts'
import type { KeyToPath, ProjectedSource, VolumeSource } from './pod-spec.ts'

export interface VolumeFile {
  /** Path in the volume, no leading slash. */
  readonly path: string
  readonly mode: number
  readonly content: Buffer
}

/** Kubernetes' own default for the files of a volume. */
const defaultFileMode = 0o644

/**
 * The files of a volume that the cluster writes; null for one that it does not (emptyDir, claims).
 * @param token makes a token for the pod's service account.
 * @throws MissingObject while an object or a key that the volume names is not there.
 */
export function volumeFiles(
  volume: VolumeSource,
  pod: PodFacts,
  lookup: Lookup,
  token: () => string,
): VolumeFile[] | null {
  if (volume.configMap) return keys('ConfigMap', volume.configMap, volume.configMap.defaultMode, lookup)
  if (volume.secret) {
    const { secretName, ...rest } = volume.secret
    return keys('Secret', { name: secretName, ...rest }, volume.secret.defaultMode, lookup)
  }
  if (volume.downwardAPI) return fields(volume.downwardAPI.items, volume.downwardAPI.defaultMode, pod)
  if (!volume.projected) return null
  const mode = volume.projected.defaultMode
  return volume.projected.sources.flatMap((source: ProjectedSource) => {
    if (source.configMap) return keys('ConfigMap', source.configMap, mode, lookup)
    if (source.secret) return keys('Secret', source.secret, mode, lookup)
    if (source.downwardAPI) return fields(source.downwardAPI.items, mode, pod)
    // Readable for the pod's group (fsGroup), as kubelet writes tokens.
    return [{ path: source.serviceAccountToken!.path, mode: mode ?? 0o600, content: Buffer.from(token()) }]
  })
}

function keys(
  kind: 'Secret' | 'ConfigMap',
  source: { name: string; optional?: boolean; items?: readonly KeyToPath[] },
  mode: number | undefined,
  lookup: Lookup,
): VolumeFile[] {
  const object = lookup(kind, source.name)
  if (!object) {
    if (source.optional) return []
    throw new MissingObject(`${kind} ${source.name} is not there`)
  }
  const contents = contentsOf(object)
  const items = source.items ?? Object.keys(contents).map((key) => ({ key, path: key, mode: undefined }))
  return items.flatMap((item) => {
    const content = contents[item.key]
    if (content) return [{ path: item.path, mode: item.mode ?? mode ?? defaultFileMode, content }]
    if (source.optional) return []
    throw new MissingObject(`${kind} ${source.name} has no key ${item.key}`)
  })
}

function fields(
  items: readonly { path: string; fieldRef: { fieldPath: string } }[],
  mode: number | undefined,
  pod: PodFacts,
): VolumeFile[] {
  return items.map(({ path, fieldRef }) => ({
    path,
    mode: mode ?? defaultFileMode,
    content: Buffer.from(fieldOf(pod, fieldRef.fieldPath)),
  }))
}

/** Modes of files in a volume of a pod with an fsGroup: what the owner may read, the group may read too. */
export function groupReadable(mode: number): number {
  return mode | ((mode & 0o400) >> 3)
}
