// Keeps every pod's packet filter, address translations and the DNS records in step with pods, Services and policies.
import type { ChildProcess } from 'node:child_process'
import { filterTable, type NetworkPod, verdictFor } from './core/policies.ts'
import { dnsRecords, type EndpointPod, translations, translationTable } from './core/services.ts'
import { addresses, type Network } from './edge/network.ts'
import type { RunningPod } from './kubelet.ts'
import type { KubeObject } from './types.ts'

export interface NetworkState {
  /** Brings everything up to date; resolves when the state at the time of the call is in force. */
  sync(): Promise<void>
}

/** The DNS server, which is a pod for policies and Services. */
export const dnsPod: EndpointPod = {
  ...{ namespace: 'kube-system', name: 'kube-dns-0', hostname: 'kube-dns-0', ip: addresses.dns },
  ...{ labels: { 'k8s-app': 'kube-dns' }, ports: { dns: 53, 'dns-tcp': 53 }, ready: true, terminating: false },
}

export const dnsService: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kube-dns', namespace: 'kube-system' },
  spec: {
    clusterIP: addresses.dnsService,
    selector: { 'k8s-app': 'kube-dns' },
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  },
}

export function createNetworkState(options: {
  readonly network: Network
  readonly dnsServer: ChildProcess
  readonly dnsNamespace: string
  readonly clusterDomain: string
  readonly pods: () => readonly RunningPod[]
  readonly objects: (kind: string) => readonly KubeObject[]
}): NetworkState {
  const serviceAddresses = new Map<string, string>([['kube-system/kube-dns', addresses.dnsService]])
  const loaded = new Map<string, string>()
  let sentRecords = ''
  let underWay: Promise<void> | null = null
  let next: Promise<void> | null = null

  const clusterIp = (service: KubeObject): string => {
    const key = `${service.metadata.namespace}/${service.metadata.name}`
    const number = serviceAddresses.size + 255
    const ip = serviceAddresses.get(key) ?? `10.96.${number >> 8}.${number & 255}`
    serviceAddresses.set(key, ip)
    return ip
  }

  async function once(): Promise<void> {
    const running = options.pods().filter((pod) => pod.networkNamespace !== null)
    const pods: EndpointPod[] = [dnsPod, ...running.map((pod) => pod.endpoint())]
    const services = [dnsService, ...options.objects('Service')]
    const policies = options.objects('NetworkPolicy')
    const namespaces: Record<string, Readonly<Record<string, string>>> = {}
    for (const { metadata } of options.objects('Namespace')) namespaces[metadata.name] = metadata.labels ?? {}

    const records = {
      ...dnsRecords(services, pods, options.clusterDomain, clusterIp),
      [`kubernetes.default.svc.${options.clusterDomain}`]: [addresses.apiService],
    }
    if (JSON.stringify(records) !== sentRecords) {
      sentRecords = JSON.stringify(records)
      options.dnsServer.send(records)
    }
    const translated = translationTable([
      ...translations(services, pods, clusterIp),
      {
        ...{ ip: addresses.apiService, protocol: 'tcp' as const, port: 443 },
        to: [{ ip: addresses.apiServer, port: addresses.apiServerPort }],
      },
    ])
    const load = async (pod: NetworkPod, namespace: string) => {
      const tables = filterTable(verdictFor(pod, policies, namespaces, pods), addresses.bridge) + translated
      if (loaded.get(namespace) === tables) return
      await options.network.filter(namespace, tables)
      loaded.set(namespace, tables)
    }
    await Promise.all([
      load(dnsPod, options.dnsNamespace),
      ...running.map(async (pod) => {
        const namespace = pod.networkNamespace
        if (!namespace) return
        await load(pod.endpoint(), namespace).catch((error: Error) => {
          // A pod that has gone in the meantime has taken its namespace along.
          if (pod.networkNamespace === namespace) throw error
        })
      }),
    ])
  }

  /** One at a time; a call that comes while one is under way is served by the next, which sees everything until then. */
  function sync(): Promise<void> {
    if (!underWay) {
      underWay = once().finally(() => {
        underWay = null
      })
      return underWay
    }
    next ??= underWay
      .catch(() => {})
      .then(() => {
        next = null
        return sync()
      })
    return next
  }
  return { sync }
}
