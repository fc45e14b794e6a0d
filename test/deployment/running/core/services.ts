// Services: the pods behind each, their DNS names, and the address translation.

import { selects } from '../../static/objects.ts'
import type { KubeObject } from '../types.ts'
import type { NetworkPod } from './policies.ts'
import { onlyFields, onlyValues, UnsupportedError } from './strict.ts'

export interface EndpointPod extends NetworkPod {
  readonly ready: boolean
  readonly terminating: boolean
  readonly hostname: string
  /** `spec.subdomain`: the headless Service that contains the pod's own name. */
  readonly subdomain?: string
}

/** Addresses by lower-case name without the last dot; of a name that begins with `_`, SRV records: a port, a space and a name. */
export type DnsRecords = Readonly<Record<string, readonly string[]>>

/** One address translation: a Service's address and port, and the pods' addresses and ports. */
export interface Translation {
  readonly ip: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly to: readonly { readonly ip: string; readonly port: number }[]
}

/** @throws UnsupportedError for what this proof's Services cannot do. */
export function checkService(service: KubeObject): void {
  const where = `Service ${service.metadata.namespace}/${service.metadata.name} spec`
  onlyFields(
    service.spec,
    where,
    ['selector', 'ports', 'type', 'clusterIP', 'publishNotReadyAddresses', 'sessionAffinity'],
    // One stack, one node: nothing to choose between. Outside addresses are given by a cloud, which is not here.
    [
      ...['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy', 'externalTrafficPolicy'],
      ...['allocateLoadBalancerNodePorts', 'loadBalancerSourceRanges', 'loadBalancerClass', 'loadBalancerIP'],
    ],
  )
  onlyValues(service.spec.type, `${where}.type`, ['ClusterIP', 'NodePort', 'LoadBalancer'])
  onlyValues(service.spec.sessionAffinity, `${where}.sessionAffinity`, ['None'])
  for (const port of service.spec.ports ?? []) {
    onlyFields(port, `${where}.ports[]`, ['name', 'port', 'targetPort', 'protocol'], ['appProtocol', 'nodePort'])
    onlyValues(port.protocol, `${where}.ports[].protocol`, ['TCP', 'UDP'])
  }
  if (!service.spec.selector) throw new UnsupportedError(`${where}: a Service without a selector`)
}

/** Pods behind a Service: the ready ones, or all when it publishes those that are not. */
export function endpoints(service: KubeObject, pods: readonly EndpointPod[]): readonly EndpointPod[] {
  return pods.filter(
    (pod) =>
      pod.namespace === service.metadata.namespace &&
      selects(service.spec.selector, pod.labels) &&
      ((pod.ready && !pod.terminating) || service.spec.publishNotReadyAddresses === true),
  )
}

interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly protocol?: string
}

/** A named target port is the port that this pod's container calls so; a pod without it is no endpoint. */
function targetPort(port: ServicePort, pod: EndpointPod): number | undefined {
  const target = port.targetPort ?? port.port
  return typeof target === 'number' ? target : pod.ports[target]
}

/** Every name that the cluster's DNS server answers. */
export function dnsRecords(
  services: readonly KubeObject[],
  pods: readonly EndpointPod[],
  domain: string,
  clusterIp: (service: KubeObject) => string,
): DnsRecords {
  const records: Record<string, string[]> = {}
  // Every pod has such a name, ready or not (CoreDNS: `pods insecure`, the default of kubeadm, k3s, EKS and AKS; kube-dns).
  for (const { ip, namespace } of pods) records[`${ip.replaceAll('.', '-')}.${namespace}.pod.${domain}`] = [ip]
  for (const service of services) {
    const { name, namespace } = service.metadata
    const full = `${name}.${namespace}.svc.${domain}`
    if (service.spec.clusterIP !== 'None') {
      records[full] = [clusterIp(service)]
      continue
    }
    const behind = endpoints(service, pods)
    if (behind.length > 0) records[full] = behind.map((pod) => pod.ip)
    const nameOf = (pod: EndpointPod) =>
      `${pod.subdomain === name ? pod.hostname : pod.ip.replaceAll('.', '-')}.${full}`
    for (const pod of behind) records[nameOf(pod)] = [pod.ip]
    for (const port of service.spec.ports as readonly ServicePort[]) {
      const targets = behind.flatMap((pod) => {
        const number = targetPort(port, pod)
        return number === undefined ? [] : [`${number} ${nameOf(pod)}`]
      })
      if (port.name !== undefined && targets.length > 0) {
        records[`_${port.name}._${(port.protocol ?? 'TCP').toLowerCase()}.${full}`] = targets
      }
    }
  }
  return records
}

/** The translations of every Service that has an address of its own. */
export function translations(
  services: readonly KubeObject[],
  pods: readonly EndpointPod[],
  clusterIp: (service: KubeObject) => string,
): Translation[] {
  return services
    .filter((service) => service.spec.clusterIP !== 'None')
    .flatMap((service) => {
      const behind = endpoints(service, pods)
      return (service.spec.ports as readonly ServicePort[]).map((port) => ({
        ip: clusterIp(service),
        protocol: port.protocol === 'UDP' ? ('udp' as const) : ('tcp' as const),
        port: port.port,
        to: behind.flatMap((pod) => {
          const number = targetPort(port, pod)
          return number === undefined ? [] : [{ ip: pod.ip, port: number }]
        }),
      }))
    })
}

/** The translations as an nftables table for a pod's own namespace. A Service without pods refuses connections at once. */
export function translationTable(all: readonly Translation[]): string {
  const lines = all.map(({ ip, protocol, port, to }) => {
    const match = `ip daddr ${ip} ${protocol} dport ${port}`
    if (to.length === 0) return { nat: null, refuse: `    ${match} reject` }
    if (to.length === 1) return { nat: `    ${match} dnat to ${to[0]!.ip}:${to[0]!.port}`, refuse: null }
    const map = to.map((target, i) => `${i} : ${target.ip} . ${target.port}`).join(', ')
    return { nat: `    ${match} dnat to numgen random mod ${to.length} map { ${map} }`, refuse: null }
  })
  return [
    'table ip services {',
    '  chain translate {',
    '    type nat hook output priority -100; policy accept;',
    ...lines.flatMap((line) => line.nat ?? []),
    '  }',
    '  chain refuse {',
    '    type filter hook output priority -1; policy accept;',
    ...lines.flatMap((line) => line.refuse ?? []),
    '  }',
    '}',
    '',
  ].join('\n')
}
