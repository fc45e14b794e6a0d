// NetworkPolicies as packet filters: which rules hold for one pod, and how nftables says them in the pod's network namespace.

import { selects } from '../../static/objects.ts'
import type { KubeObject } from '../types.ts'
import { onlyFields, onlyValues, UnsupportedError } from './strict.ts'

/** A pod as policies and Services see it. */
export interface NetworkPod {
  readonly namespace: string
  readonly name: string
  readonly ip: string
  readonly labels: Readonly<Record<string, string>>
  /** Named container ports. */
  readonly ports: Readonly<Record<string, number>>
}

export interface Allowance {
  /** Addresses or networks; `null` is all. */
  readonly addresses: readonly string[] | null
  /** Networks taken out of `addresses`. */
  readonly except: readonly string[]
  /** `null` is every protocol and port. */
  readonly ports: readonly { readonly protocol: 'tcp' | 'udp'; readonly port: string | null }[] | null
}

/** The connections that one pod may receive and open; `null`: no policy selects it in that direction. */
export interface Verdict {
  readonly ingress: readonly Allowance[] | null
  readonly egress: readonly Allowance[] | null
}

/**
 * The effect of the policies on one pod. Policies add up: a connection is allowed if one of them allows it.
 * @param namespaces labels of every namespace, by name.
 * @param pods every pod that has an address.
 * @throws UnsupportedError for a field this does not know.
 */
export function verdictFor(
  pod: NetworkPod,
  policies: readonly KubeObject[],
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>,
  pods: readonly NetworkPod[],
): Verdict {
  const ingress: Allowance[] = []
  const egress: Allowance[] = []
  let ingressIsolated = false
  let egressIsolated = false
  for (const policy of policies) {
    const where = `NetworkPolicy ${policy.metadata.namespace}/${policy.metadata.name} spec`
    const spec = policy.spec
    onlyFields(spec, where, ['podSelector', 'policyTypes', 'ingress', 'egress'])
    if (policy.metadata.namespace !== pod.namespace || !selects(spec.podSelector, pod.labels)) continue
    const types: string[] = spec.policyTypes ?? (spec.egress ? ['Ingress', 'Egress'] : ['Ingress'])
    if (types.includes('Ingress')) {
      ingressIsolated = true
      for (const rule of spec.ingress ?? []) {
        onlyFields(rule, `${where}.ingress[]`, ['from', 'ports'])
        // A named port of an ingress rule is a port of this pod.
        ingress.push(...allowances(rule.from, rule.ports, pod, policy, namespaces, pods, where))
      }
    }
    if (types.includes('Egress')) {
      egressIsolated = true
      for (const rule of spec.egress ?? []) {
        onlyFields(rule, `${where}.egress[]`, ['to', 'ports'])
        egress.push(...allowances(rule.to, rule.ports, null, policy, namespaces, pods, where))
      }
    }
  }
  return { ingress: ingressIsolated ? ingress : null, egress: egressIsolated ? egress : null }
}

interface Peer {
  readonly podSelector?: object
  readonly namespaceSelector?: object
  readonly ipBlock?: { cidr: string; except?: readonly string[] }
}

interface PolicyPort {
  readonly protocol?: string
  readonly port?: number | string
  readonly endPort?: number
}

function allowances(
  peers: readonly Peer[] | undefined,
  ports: readonly PolicyPort[] | undefined,
  /** The pod whose ports an ingress rule names; null for egress, where each peer's own are meant. */
  target: NetworkPod | null,
  policy: KubeObject,
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>,
  pods: readonly NetworkPod[],
  where: string,
): Allowance[] {
  // An absent or empty list of peers matches all, unlike a peer that matches none.
  if (!peers || peers.length === 0) {
    return portGroups(ports, target ? [target] : pods, where).map(({ ports, owners }) => ({
      addresses: owners && !target ? owners.map((owner) => owner.ip) : null,
      except: [],
      ports,
    }))
  }
  return peers.flatMap((peer): Allowance[] => {
    onlyFields(peer, `${where} peer`, ['podSelector', 'namespaceSelector', 'ipBlock'])
    if (peer.ipBlock) {
      onlyFields(peer.ipBlock, `${where} ipBlock`, ['cidr', 'except'])
      if (ports?.some((port) => typeof port.port === 'string')) {
        throw new UnsupportedError(`${where}: a named port beside an ipBlock`)
      }
      const { cidr, except = [] } = peer.ipBlock
      return portGroups(ports, [], where).map((group) => ({ addresses: [cidr], except, ports: group.ports }))
    }
    const chosen = pods.filter(
      (pod) =>
        (peer.namespaceSelector
          ? selects(peer.namespaceSelector, namespaces[pod.namespace] ?? {})
          : pod.namespace === policy.metadata.namespace) && selects(peer.podSelector ?? {}, pod.labels),
    )
    return portGroups(ports, target ? [target] : chosen, where).map((group) => ({
      addresses: (group.owners && !target ? group.owners : chosen).map((pod) => pod.ip),
      except: [],
      ports: group.ports,
    }))
  })
}

/** Ports with numbers hold for every owner; a named one for the owners that have it, each with its own number. */
function portGroups(
  ports: readonly PolicyPort[] | undefined,
  owners: readonly NetworkPod[],
  where: string,
): { ports: Allowance['ports']; owners: readonly NetworkPod[] | null }[] {
  if (!ports || ports.length === 0) return [{ ports: null, owners: null }]
  const numbered: { protocol: 'tcp' | 'udp'; port: string | null }[] = []
  const named: { ports: { protocol: 'tcp' | 'udp'; port: string }[]; owners: NetworkPod[] }[] = []
  for (const port of ports) {
    onlyFields(port, `${where} port`, ['protocol', 'port', 'endPort'])
    onlyValues(port.protocol, `${where} port.protocol`, ['TCP', 'UDP'])
    const protocol = port.protocol === 'UDP' ? 'udp' : 'tcp'
    if (typeof port.port !== 'string') {
      const range = port.endPort ? `${port.port}-${port.endPort}` : port.port
      numbered.push({ protocol, port: range === undefined ? null : String(range) })
      continue
    }
    for (const owner of owners) {
      const number = owner.ports[port.port]
      if (number !== undefined) named.push({ ports: [{ protocol, port: String(number) }], owners: [owner] })
    }
  }
  return [...(numbered.length > 0 ? [{ ports: numbered, owners: null }] : []), ...named]
}

/**
 * The pod's filter as an nftables table, to be loaded in the pod's network namespace.
 * @param node address of the node: its kubelet's probes pass whatever the policies say, as Kubernetes has it.
 */
export function filterTable(verdict: Verdict, node: string): string {
  const chain = (hook: 'input' | 'output', allowed: readonly Allowance[] | null) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority 0; policy accept;`,
    `    ${hook === 'input' ? 'iifname' : 'oifname'} "lo" accept`,
    '    ct state established,related accept',
    ...(hook === 'input' ? [`    ip saddr ${node} accept`] : []),
    ...(allowed === null
      ? []
      : [
          ...allowed.flatMap((allowance) => sentences(allowance, hook === 'input' ? 'saddr' : 'daddr')),
          '    counter drop',
        ]),
    '  }',
  ]
  return [
    'table inet policies {',
    ...chain('input', verdict.ingress),
    ...chain('output', verdict.egress),
    '}',
    '',
  ].join('\n')
}

function sentences(allowance: Allowance, side: 'saddr' | 'daddr'): string[] {
  // Pods have IPv4 addresses here, so IPv6 rules match none.
  const ofFamily = allowance.addresses?.filter((address) => !address.includes(':'))
  if (ofFamily?.length === 0) return []
  const addresses = ofFamily === undefined ? '' : `ip ${side} { ${[...new Set(ofFamily)].join(', ')} } `
  const except = allowance.except.length === 0 ? '' : `ip ${side} != { ${allowance.except.join(', ')} } `
  if (allowance.ports === null) return [`    ${except}${addresses}accept`]
  return (['tcp', 'udp'] as const).flatMap((protocol) => {
    const ports = allowance.ports!.filter((port) => port.protocol === protocol)
    if (ports.length === 0) return []
    const all = ports.some((port) => port.port === null)
    const match = all
      ? `meta l4proto ${protocol}`
      : `${protocol} dport { ${[...new Set(ports.map((port) => port.port))].join(', ')} }`
    return [`    ${except}${addresses}${match} accept`]
  })
}
