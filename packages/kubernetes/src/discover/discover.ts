// Asks the API for two facts that a broker cannot know: the zone of its node, and its address for outside clients.
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesClient } from '../api/client.ts'
import type { Node, Service } from '../api/types.ts'
import { KubernetesError } from '../errors.ts'
import type { Facts } from './facts.ts'

export const externalTypes = ['LoadBalancer', 'NodePort'] as const
export type ExternalType = (typeof externalTypes)[number]

export interface DiscoverOptions {
  readonly rack: boolean
  /** Name of this pod's own Service; `{ordinal}` is replaced by the number at the end of the pod's name. */
  readonly external?: { readonly service: string; readonly type: ExternalType }
  /** Name of the node; wanted for the rack and for node ports. */
  readonly nodeName?: string
  readonly podName?: string
  readonly progress?: (line: string) => void
  /** How long to wait for a load balancer's address, in milliseconds. Default 10 minutes. */
  readonly waitMs?: number
  /** Default 2,000. */
  readonly pollMs?: number
  readonly signal?: AbortSignal
}

const zoneLabel = 'topology.kubernetes.io/zone'
/** Until Kubernetes 1.17; some on-premises clusters still have nothing else. */
const oldZoneLabel = 'failure-domain.beta.kubernetes.io/zone'
const reminderMs = 15_000

/** @throws KubernetesError NOT_FOUND, WAIT_TIMEOUT, FACT_INVALID, and those of the client */
export async function discoverFacts(client: KubernetesClient, options: DiscoverOptions): Promise<Facts> {
  const { external, progress = () => {} } = options
  const wantsNode = options.rack || external?.type === 'NodePort'
  const node = wantsNode ? await readNode(client, options.nodeName) : undefined
  const rack = options.rack ? zoneOf(node!, progress) : undefined
  if (external === undefined) return { rack }
  const service = serviceName(external.service, options.podName)
  const address =
    external.type === 'LoadBalancer'
      ? await waitFor(client, service, loadBalancerAddress, `the load balancer of Service ${service}`, options)
      : await waitFor(
          client,
          service,
          (found) => nodePortAddress(found, node!),
          `a node port of Service ${service}`,
          options,
        )
  progress(`${service}: ${address.host}:${address.port}`)
  return { rack, external: address }
}

async function readNode(client: KubernetesClient, name: string | undefined): Promise<Node> {
  if (!name) throw missing('NODE_NAME', 'spec.nodeName')
  const node = await client.get('Node', name)
  if (node !== undefined) return node
  throw new KubernetesError('NOT_FOUND', `There is no Node ${name}.`, {
    hint: 'NODE_NAME must be the name of the node this pod runs on: the downward API gives it (spec.nodeName).',
  })
}

/** The zone; a node without one is usual on clusters of one zone, and the broker starts. */
function zoneOf({ metadata }: Node, progress: (line: string) => void): string | undefined {
  const zone = metadata.labels?.[zoneLabel] || metadata.labels?.[oldZoneLabel]
  if (zone) {
    progress(`node ${metadata.name} is in zone ${zone}`)
    return zone
  }
  progress(
    `warning: node ${metadata.name} has no label ${zoneLabel}: this broker has no rack, and replicas are not spread over zones. ` +
      `kubectl label node ${metadata.name} ${zoneLabel}=… sets it.`,
  )
  return undefined
}

function serviceName(pattern: string, podName: string | undefined): string {
  if (!pattern.includes('{ordinal}')) return pattern
  const ordinal = podName?.match(/-(\d+)$/)?.[1]
  if (ordinal === undefined) throw missing('POD_NAME', 'metadata.name')
  return pattern.replaceAll('{ordinal}', ordinal)
}

function missing(variable: string, field: string): KubernetesError {
  return new KubernetesError('FACT_INVALID', `${variable} is not set, or is not the name of a pod of a StatefulSet.`, {
    reason: 'invalid',
    hint: `Set it from the downward API: valueFrom.fieldRef.fieldPath ${field}.`,
  })
}

interface Address {
  readonly host: string
  readonly port: number
}

function portOf({ metadata, spec }: Service): { readonly port: number; readonly nodePort?: number } {
  const ports = spec?.ports ?? []
  const found = ports.find(({ name }) => name === 'external') ?? (ports.length === 1 ? ports[0] : undefined)
  if (found !== undefined) return found
  throw new KubernetesError(
    'FACT_INVALID',
    `Service ${metadata.name} has ${ports.length} ports, and none is named external.`,
    {
      reason: 'invalid',
      hint: 'Name the port of the EXTERNAL listener "external".',
    },
  )
}

function loadBalancerAddress(service: Service): Address | undefined {
  const [first] = service.status?.loadBalancer?.ingress ?? []
  // A provider that gives a name wants the name used: its addresses change.
  const host = first?.hostname || first?.ip
  return host ? { host, port: portOf(service).port } : undefined
}

function nodePortAddress(service: Service, node: Node): Address | undefined {
  const { nodePort } = portOf(service)
  if (!nodePort) return undefined
  const addresses = node.status?.addresses ?? []
  const host = ['ExternalIP', 'InternalIP']
    .map((type) => addresses.find((one) => one.type === type)?.address)
    .find(Boolean)
  if (host !== undefined) return { host, port: nodePort }
  throw new KubernetesError('FACT_INVALID', `Node ${node.metadata.name} has neither an ExternalIP nor an InternalIP.`, {
    hint: 'kubectl get node -o wide shows the addresses: without one, no client can reach a node port.',
  })
}

async function waitFor(
  client: KubernetesClient,
  name: string,
  read: (service: Service) => Address | undefined,
  what: string,
  { progress = () => {}, waitMs = 600_000, pollMs = 2000, signal }: DiscoverOptions,
): Promise<Address> {
  const deadline = performance.now() + waitMs
  for (let remindAt = 0; ; ) {
    const service = await client.get('Service', name)
    const address = service === undefined ? undefined : read(service)
    if (address !== undefined) return address
    if (performance.now() >= deadline) {
      const state = service === undefined ? 'there is no such Service' : 'it has no address yet'
      throw new KubernetesError(
        'WAIT_TIMEOUT',
        `Timed out after ${Math.round(waitMs / 1000)} s, waiting for ${what}: ${state}.`,
        {
          reason: 'timeout',
          hint: `kubectl -n ${client.namespace} describe service ${name} shows what it waits for.`,
        },
      )
    }
    if (performance.now() >= remindAt) {
      progress(`waiting for ${what}`)
      remindAt = performance.now() + reminderMs
    }
    await sleep(pollMs, undefined, { signal })
  }
}
