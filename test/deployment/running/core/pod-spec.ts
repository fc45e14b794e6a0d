// Which pod specs the harness can play: every field is either honoured, known to mean nothing here, or refused.
import { onlyFields, onlyValues, UnsupportedError } from './strict.ts'

export interface Probe {
  readonly exec?: { command: readonly string[] }
  readonly tcpSocket?: { port: number | string }
  readonly httpGet?: {
    path?: string
    port: number | string
    scheme?: string
    httpHeaders?: readonly { name: string; value: string }[]
  }
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env?: readonly EnvVar[]
  readonly envFrom?: readonly { prefix?: string; configMapRef?: Reference; secretRef?: Reference }[]
  readonly ports?: readonly { name?: string; containerPort: number }[]
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string | number>>
    readonly requests?: Readonly<Record<string, string | number>>
  }
  readonly securityContext?: SecurityContext
  readonly volumeMounts?: readonly { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { preStop?: { exec: { command: readonly string[] } } }
}

export interface Reference {
  readonly name: string
  readonly optional?: boolean
}

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly fieldRef?: { fieldPath: string }
    readonly resourceFieldRef?: { resource: string; containerName?: string; divisor?: string | number }
    readonly secretKeyRef?: Reference & { key: string }
    readonly configMapKeyRef?: Reference & { key: string }
  }
}

export interface SecurityContext {
  readonly runAsUser?: number
  readonly runAsGroup?: number
  readonly runAsNonRoot?: boolean
  readonly readOnlyRootFilesystem?: boolean
  readonly allowPrivilegeEscalation?: boolean
  readonly capabilities?: { drop?: readonly string[] }
}

export interface KeyToPath {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

export interface VolumeSource {
  readonly configMap?: Reference & { items?: readonly KeyToPath[]; defaultMode?: number }
  readonly secret?: { secretName: string; optional?: boolean; items?: readonly KeyToPath[]; defaultMode?: number }
  readonly emptyDir?: { medium?: string; sizeLimit?: string }
  readonly persistentVolumeClaim?: { claimName: string }
  readonly downwardAPI?: { items: readonly { path: string; fieldRef: { fieldPath: string } }[]; defaultMode?: number }
  readonly projected?: { sources: readonly ProjectedSource[]; defaultMode?: number }
}

export interface ProjectedSource {
  readonly configMap?: Reference & { items?: readonly KeyToPath[] }
  readonly secret?: Reference & { items?: readonly KeyToPath[] }
  readonly downwardAPI?: { items: readonly { path: string; fieldRef: { fieldPath: string } }[] }
  readonly serviceAccountToken?: { path: string; expirationSeconds?: number; audience?: string }
}

export interface PodSpec {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly (VolumeSource & { name: string })[]
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  readonly terminationGracePeriodSeconds?: number
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly hostname?: string
  readonly subdomain?: string
  readonly securityContext?: SecurityContext & {
    readonly fsGroup?: number
    readonly fsGroupChangePolicy?: string
    readonly supplementalGroups?: readonly number[]
  }
  readonly activeDeadlineSeconds?: number
}

/** Where pods are placed, how they are paid for and fetched: there is one machine, and its images are folders. */
const meaninglessInSpec = [
  ...['affinity', 'topologySpreadConstraints', 'tolerations', 'nodeSelector', 'schedulerName', 'priorityClassName'],
  ...['imagePullSecrets', 'runtimeClassName', 'preemptionPolicy', 'serviceAccount', 'dnsPolicy', 'priority'],
]

/** @throws UnsupportedError naming the first field the harness would have to ignore. */
export function checkPodSpec(spec: PodSpec, where: string): void {
  onlyFields(
    spec,
    where,
    [
      ...[
        'initContainers',
        'containers',
        'volumes',
        'restartPolicy',
        'terminationGracePeriodSeconds',
        'securityContext',
      ],
      ...['serviceAccountName', 'automountServiceAccountToken', 'enableServiceLinks', 'hostname', 'subdomain'],
      'activeDeadlineSeconds',
    ],
    meaninglessInSpec,
  )
  const links = (spec as { enableServiceLinks?: boolean }).enableServiceLinks
  if (links !== false)
    throw new UnsupportedError(`${where}.enableServiceLinks`, 'must be false: no links are made here')
  onlyValues((spec as { dnsPolicy?: string }).dnsPolicy, `${where}.dnsPolicy`, ['ClusterFirst'])
  onlyFields(
    spec.securityContext,
    `${where}.securityContext`,
    ['runAsUser', 'runAsGroup', 'runAsNonRoot', 'fsGroup', 'fsGroupChangePolicy', 'supplementalGroups'],
    // No profile of a container runtime comes with runc: system calls are not filtered here.
    ['seccompProfile'],
  )
  for (const volume of spec.volumes ?? []) checkVolume(volume, `${where}.volumes[${volume.name}]`)
  for (const list of ['initContainers', 'containers'] as const) {
    for (const container of spec[list] ?? []) {
      checkContainer(container, spec, `${where}.${list}[${container.name}]`, list === 'initContainers')
    }
  }
}

function checkContainer(container: Container, spec: PodSpec, where: string, isInit: boolean): void {
  onlyFields(
    container,
    where,
    [
      ...['name', 'image', 'command', 'args', 'workingDir', 'env', 'envFrom', 'ports', 'resources', 'securityContext'],
      'volumeMounts',
      ...(isInit ? [] : ['startupProbe', 'readinessProbe', 'livenessProbe', 'lifecycle']),
    ],
    // Images are folders here, and what a container says on its end is read from its log.
    ['imagePullPolicy', 'terminationMessagePath', 'terminationMessagePolicy'],
  )
  const security = { ...spec.securityContext, ...container.securityContext }
  onlyFields(
    container.securityContext,
    `${where}.securityContext`,
    [
      ...['runAsUser', 'runAsGroup', 'runAsNonRoot', 'readOnlyRootFilesystem', 'allowPrivilegeEscalation'],
      ...['capabilities', 'privileged'],
    ],
    ['seccompProfile'],
  )
  onlyValues(
    (container.securityContext as { privileged?: boolean } | undefined)?.privileged,
    `${where}.securityContext.privileged`,
    [false],
  )
  const drop = container.securityContext?.capabilities
  onlyFields(drop, `${where}.securityContext.capabilities`, ['drop'])
  if (drop?.drop?.length !== 1 || drop.drop[0] !== 'ALL') {
    throw new UnsupportedError(
      `${where}.securityContext.capabilities.drop`,
      'must be [ALL]: nothing else is supported here',
    )
  }
  if (security.readOnlyRootFilesystem !== true) {
    throw new UnsupportedError(
      `${where}.securityContext.readOnlyRootFilesystem`,
      'must be true: the images are read-only here',
    )
  }
  if (security.allowPrivilegeEscalation !== false) {
    throw new UnsupportedError(`${where}.securityContext.allowPrivilegeEscalation`, 'must be false')
  }
  if (security.runAsUser === undefined) {
    throw new UnsupportedError(
      `${where}.securityContext.runAsUser`,
      'must be set: images have no user of their own here',
    )
  }
  if (security.runAsNonRoot && security.runAsUser === 0) throw new UnsupportedError(`${where}: root with runAsNonRoot`)
  for (const mount of container.volumeMounts ?? []) {
    onlyFields(mount, `${where}.volumeMounts[${mount.mountPath}]`, ['name', 'mountPath', 'subPath', 'readOnly'])
    if (!spec.volumes?.some((volume) => volume.name === mount.name)) {
      throw new UnsupportedError(`${where}.volumeMounts[${mount.mountPath}]`, `names no volume: ${mount.name}`)
    }
  }
  for (const variable of container.env ?? []) {
    onlyFields(variable, `${where}.env[${variable.name}]`, ['name', 'value', 'valueFrom'])
    onlyFields(variable.valueFrom, `${where}.env[${variable.name}].valueFrom`, [
      ...['fieldRef', 'resourceFieldRef', 'secretKeyRef', 'configMapKeyRef'],
    ])
    onlyFields(
      variable.valueFrom?.fieldRef,
      `${where}.env[${variable.name}].valueFrom.fieldRef`,
      ['fieldPath'],
      ['apiVersion'],
    )
  }
  for (const source of container.envFrom ?? [])
    onlyFields(source, `${where}.envFrom[]`, ['prefix', 'configMapRef', 'secretRef'])
  for (const port of container.ports ?? []) {
    onlyFields(port, `${where}.ports[]`, ['name', 'containerPort', 'protocol'])
  }
  onlyFields(container.resources, `${where}.resources`, ['limits', 'requests'])
  // Requests and the disk that a container may use are for the scheduler and for eviction.
  onlyFields(container.resources?.limits, `${where}.resources.limits`, ['memory', 'cpu'], ['ephemeral-storage'])
  onlyFields(container.lifecycle, `${where}.lifecycle`, ['preStop'])
  onlyFields(container.lifecycle?.preStop, `${where}.lifecycle.preStop`, ['exec'])
  for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
    onlyFields(container[kind], `${where}.${kind}`, [
      ...['exec', 'tcpSocket', 'httpGet', 'initialDelaySeconds', 'periodSeconds', 'timeoutSeconds'],
      ...['successThreshold', 'failureThreshold'],
    ])
    onlyFields(container[kind]?.tcpSocket, `${where}.${kind}.tcpSocket`, ['port'])
    onlyFields(container[kind]?.httpGet, `${where}.${kind}.httpGet`, ['path', 'port', 'scheme', 'httpHeaders'])
  }
}

function checkVolume(volume: VolumeSource & { name: string }, where: string): void {
  onlyFields(volume, where, [
    ...['name', 'configMap', 'secret', 'emptyDir', 'persistentVolumeClaim', 'downwardAPI', 'projected'],
  ])
  onlyFields(volume.configMap, `${where}.configMap`, ['name', 'optional', 'items', 'defaultMode'])
  onlyFields(volume.secret, `${where}.secret`, ['secretName', 'optional', 'items', 'defaultMode'])
  onlyFields(volume.emptyDir, `${where}.emptyDir`, ['medium', 'sizeLimit'])
  onlyValues(volume.emptyDir?.medium, `${where}.emptyDir.medium`, ['', 'Memory'])
  onlyFields(volume.persistentVolumeClaim, `${where}.persistentVolumeClaim`, ['claimName'])
  onlyFields(volume.downwardAPI, `${where}.downwardAPI`, ['items', 'defaultMode'])
  onlyFields(volume.projected, `${where}.projected`, ['sources', 'defaultMode'])
  for (const source of volume.projected?.sources ?? []) {
    onlyFields(source, `${where}.projected.sources[]`, ['configMap', 'secret', 'downwardAPI', 'serviceAccountToken'])
  }
}

/** Everything of the cluster that a pod's containers need before they can be made. */
export function referencesOf(spec: PodSpec): { kind: 'Secret' | 'ConfigMap'; name: string }[] {
  const found: { kind: 'Secret' | 'ConfigMap'; name: string }[] = []
  const add = (kind: 'Secret' | 'ConfigMap', name: string | undefined, optional: boolean | undefined) => {
    if (name !== undefined && !optional) found.push({ kind, name })
  }
  for (const volume of spec.volumes ?? []) {
    add('Secret', volume.secret?.secretName, volume.secret?.optional)
    add('ConfigMap', volume.configMap?.name, volume.configMap?.optional)
    for (const source of volume.projected?.sources ?? []) {
      add('Secret', source.secret?.name, source.secret?.optional)
      add('ConfigMap', source.configMap?.name, source.configMap?.optional)
    }
  }
  return found
}

/** Named container ports of a pod. */
export function namedPorts(spec: PodSpec): Record<string, number> {
  const ports: Record<string, number> = {}
  for (const container of spec.containers) {
    for (const port of container.ports ?? []) if (port.name) ports[port.name] = port.containerPort
  }
  return ports
}
