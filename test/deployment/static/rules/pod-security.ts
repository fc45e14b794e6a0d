// Pod Security Standard "restricted", field by field, and what goes beyond it: read-only roots, tokens, service links.
// Source: Kubernetes, Pod Security Standards, baseline and restricted, in the strictest of the versions 1.25 to 1.37.
import { type Container, containersOf, type Json, nameOf, type Pod, podPerOwner, probesOf } from '../objects.ts'
import type { Rule } from './rule.ts'

const allowedVolumes = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'],
]
const safeSysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
]
const allowedSeLinuxTypes = [undefined, '', 'container_t', 'container_init_t', 'container_kvm_t']

/** All of Pod Security `restricted`: the namespace may be labelled with it in mode `enforce`. */
export const podSecurityRestricted: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) => [
    ...podLevel(pod).map((problem) => `${nameOf(pod.owner)}: ${problem}`),
    ...containersOf(pod.spec).flatMap((container) =>
      containerLevel(container, pod.spec).map(
        (problem) => `${nameOf(pod.owner)}, container ${container.spec.name}: ${problem}`,
      ),
    ),
  ])

function podLevel({ spec, annotations }: Pod): string[] {
  const problems: string[] = []
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[field]) problems.push(`${field} is set`)
  for (const volume of spec.volumes ?? []) {
    const type = Object.keys(volume).find((key) => key !== 'name')
    if (!type || !allowedVolumes.includes(type)) problems.push(`volume ${volume.name} is of type ${type ?? 'none'}`)
  }
  for (const { name } of spec.securityContext?.sysctls ?? [])
    if (!safeSysctls.includes(name)) problems.push(`sysctl ${name} is not a safe one`)
  for (const [key, value] of Object.entries(annotations))
    if (
      key.startsWith('container.apparmor.security.beta.kubernetes.io/') &&
      !/^(runtime\/default|localhost\/.*)$/.test(value)
    )
      problems.push(`annotation ${key} is ${value}`)
  problems.push(...sharedSecurityContext(spec.securityContext ?? {}))
  return problems
}

function containerLevel({ spec }: Container, pod: Json): string[] {
  const problems: string[] = []
  const own = spec.securityContext ?? {}
  const inherited = { ...pod.securityContext, ...own }
  if (own.privileged) problems.push('it is privileged')
  if (own.allowPrivilegeEscalation !== false) problems.push('allowPrivilegeEscalation is not false')
  if (!own.capabilities?.drop?.includes('ALL')) problems.push('capabilities.drop has no ALL')
  for (const added of own.capabilities?.add ?? [])
    if (added !== 'NET_BIND_SERVICE') problems.push(`capability ${added} is added`)
  if (inherited.runAsNonRoot !== true) problems.push('runAsNonRoot is not true')
  if (!['RuntimeDefault', 'Localhost'].includes(inherited.seccompProfile?.type))
    problems.push(`seccompProfile.type is ${inherited.seccompProfile?.type}`)
  if (![undefined, 'Default'].includes(own.procMount)) problems.push(`procMount is ${own.procMount}`)
  for (const port of spec.ports ?? []) if (port.hostPort) problems.push(`it takes host port ${port.hostPort}`)
  const handlers = { ...spec.lifecycle, ...probesOf(spec) }
  for (const [name, handler] of Object.entries<Json>(handlers))
    if (handler?.httpGet?.host || handler?.tcpSocket?.host) problems.push(`${name} names a host`)
  problems.push(...sharedSecurityContext(own))
  return problems
}

/** The common fields of a pod's and a container's security context. */
function sharedSecurityContext(context: Json): string[] {
  const problems: string[] = []
  if (context.runAsUser === 0) problems.push('runAsUser is 0')
  if (context.windowsOptions?.hostProcess) problems.push('windowsOptions.hostProcess is set')
  if (!allowedSeLinuxTypes.includes(context.seLinuxOptions?.type))
    problems.push(`seLinuxOptions.type is ${context.seLinuxOptions.type}`)
  for (const field of ['user', 'role'])
    if (context.seLinuxOptions?.[field]) problems.push(`seLinuxOptions.${field} is set`)
  const appArmor = context.appArmorProfile?.type
  if (![undefined, 'RuntimeDefault', 'Localhost'].includes(appArmor))
    problems.push(`appArmorProfile.type is ${appArmor}`)
  return problems
}

/** Nothing in a container's image can be changed while it runs. Not in `restricted`, but what every scanner asks for. */
export const readOnlyRoot: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) =>
    containersOf(pod.spec)
      .filter(({ spec }) => spec.securityContext?.readOnlyRootFilesystem !== true)
      .map(({ spec }) => `${nameOf(pod.owner)}, container ${spec.name}: readOnlyRootFilesystem is not true`),
  )

/** Kubernetes' link variables turn every Service into the environment of every pod; `KAFKA_PORT=tcp://…` is one of them. */
export const noServiceLinks: Rule = (objects) =>
  podPerOwner(objects)
    .filter((pod) => pod.spec.enableServiceLinks !== false)
    .map((pod) => `${nameOf(pod.owner)}: enableServiceLinks is not false`)

/** Who calls the Kubernetes API, and why. Every other container has no token. */
const tokenHolders: readonly { container: RegExp; why: string }[] = [
  { container: /^credentials$/, why: 'creates the Secrets and ConfigMaps of the cluster' },
  { container: /^discover$/, why: "reads the node's zone and the address of its own Service" },
  { container: /^setup$/, why: 'notes in ConfigMap kafka-identity that the quorum has formed' },
]

/**
 * A service-account token only in the containers that need one: by a volume that no other container mounts, or for the
 * whole pod where it has no others.
 */
export const noTokenWithoutReason: Rule = (objects) =>
  podPerOwner(objects).flatMap((pod) => {
    const everywhere = pod.spec.automountServiceAccountToken !== false
    const tokenVolumes = (pod.spec.volumes ?? [])
      .filter((volume: Json) => volume.projected?.sources?.some((source: Json) => source.serviceAccountToken))
      .map((volume: Json) => volume.name)
    return containersOf(pod.spec)
      .filter(
        ({ spec }) => everywhere || (spec.volumeMounts ?? []).some((mount: Json) => tokenVolumes.includes(mount.name)),
      )
      .filter(({ spec }) => !tokenHolders.some(({ container }) => container.test(spec.name)))
      .map(({ spec }) => {
        const why = everywhere ? ' (automountServiceAccountToken is not false)' : ''
        return `${nameOf(pod.owner)}, container ${spec.name}: has a service-account token without a known reason${why}`
      })
  })
