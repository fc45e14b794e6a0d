// What NetworkPolicies say, and which packets then pass: first as data, then by nftables between real network namespaces.
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newRunName, removeRun } from '../edge/leftovers.ts'
import { addresses, createNetwork, type Network } from '../edge/network.ts'
import { missingForCluster } from '../requirements.ts'
import type { KubeObject } from '../types.ts'
import { filterTable, type NetworkPod, verdictFor } from './policies.ts'

const pod = (namespace: string, name: string, ip: string, ports = {}): NetworkPod => ({
  ...{ namespace, name, ip, labels: { app: name }, ports },
})
const broker = pod('kafka', 'broker', '10.244.1.1', { client: 9092, metrics: 5556 })
const sister = pod('kafka', 'sister', '10.244.1.2', { client: 19092 })
const friend = pod('friends', 'friend', '10.244.1.3')
const stranger = pod('strangers', 'stranger', '10.244.1.4')
const pods = [broker, sister, friend, stranger]
const namespaces = { kafka: {}, friends: { trusted: 'yes' }, strangers: {} }

const policy = (spec: object, namespace = 'kafka'): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'policy', namespace },
  spec: { podSelector: { matchLabels: { app: 'broker' } }, ...spec },
})
const ofBroker = (...policies: KubeObject[]) => verdictFor(broker, policies, namespaces, pods)
const tcp = (port: string | null) => ({ protocol: 'tcp', port })

describe('policies as data', () => {
  test('a pod that no policy selects may receive and send everything', () => {
    expect(ofBroker()).toEqual({ ingress: null, egress: null })
    expect(ofBroker(policy({ podSelector: { matchLabels: { app: 'other' } } }))).toEqual({
      ingress: null,
      egress: null,
    })
    expect(ofBroker(policy({ policyTypes: ['Ingress', 'Egress'] }, 'friends'))).toEqual({ ingress: null, egress: null })
  })

  test('a policy without rules denies; without types it is about ingress, and about egress when it has such rules', () => {
    expect(ofBroker(policy({}))).toEqual({ ingress: [], egress: null })
    expect(ofBroker(policy({ egress: [] }))).toEqual({ ingress: [], egress: [] })
    expect(ofBroker(policy({ policyTypes: ['Egress'] }))).toEqual({ ingress: null, egress: [] })
  })

  test('an absent list of peers matches all; a peer without matches matches none', () => {
    expect(ofBroker(policy({ ingress: [{ ports: [{ port: 9092 }] }] })).ingress).toEqual([
      { addresses: null, except: [], ports: [tcp('9092')] },
    ])
    const nobody = { podSelector: { matchLabels: { app: 'nobody' } } }
    expect(ofBroker(policy({ ingress: [{ from: [nobody] }] })).ingress).toEqual([
      { addresses: [], except: [], ports: null },
    ])
  })

  test('a pod selector looks in the policy’s own namespace, a namespace selector in others, both together at their meeting', () => {
    const from = (peer: object) => ofBroker(policy({ ingress: [{ from: [peer] }] })).ingress![0]!.addresses
    expect(from({ podSelector: {} })).toEqual([broker.ip, sister.ip])
    expect(from({ namespaceSelector: { matchLabels: { trusted: 'yes' } } })).toEqual([friend.ip])
    expect(from({ namespaceSelector: {} })).toEqual(pods.map((one) => one.ip))
    expect(from({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'stranger' } } })).toEqual([stranger.ip])
  })

  test('policies add up', () => {
    const first = policy({ ingress: [{ from: [{ namespaceSelector: { matchLabels: { trusted: 'yes' } } }] }] })
    const second = policy({ ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 9091 }] }] })
    expect(ofBroker(first, second).ingress).toHaveLength(2)
  })

  test('a named port of an ingress rule is the selected pod’s, of an egress rule each peer’s own', () => {
    const ingress = [{ from: [{ podSelector: {} }], ports: [{ port: 'client' }] }]
    expect(ofBroker(policy({ ingress })).ingress).toEqual([
      { addresses: [broker.ip, sister.ip], except: [], ports: [tcp('9092')] },
    ])
    const egress = [{ to: [{ podSelector: {} }], ports: [{ port: 'client' }] }]
    expect(ofBroker(policy({ policyTypes: ['Egress'], egress })).egress).toEqual([
      { addresses: [broker.ip], except: [], ports: [tcp('9092')] },
      { addresses: [sister.ip], except: [], ports: [tcp('19092')] },
    ])
  })

  test('IPv6 networks have no effect here, and do not affect IPv4 networks', () => {
    const to = (...cidrs: string[]) =>
      filterTable(
        ofBroker(policy({ policyTypes: ['Egress'], egress: [{ to: cidrs.map((cidr) => ({ ipBlock: { cidr } })) }] })),
        addresses.bridge,
      )
    expect(to('0.0.0.0/0', '::/0')).toBe(to('0.0.0.0/0'))
    expect(to('::/0')).not.toContain('::')
    expect(to('::/0')).toContain('counter drop')
  })

  test('a field that is not known is refused, not passed over', () => {
    expect(() => ofBroker(policy({ ingress: [{ from: [{ ipBlocks: {} }] }] }))).toThrow('peer.ipBlocks')
    expect(() => ofBroker(policy({ ingress: [{ ports: [{ port: 1, protocol: 'SCTP' }] }] }))).toThrow('SCTP')
  })
})

describe.skipIf(missingForCluster() !== null)('policies as packet filters', () => {
  let run: string
  let network: Network
  const spaces = new Map<NetworkPod, string>()
  const servers: ReturnType<typeof spawn>[] = []

  beforeAll(async () => {
    run = await newRunName()
    network = await createNetwork(run)
    for (const one of pods) spaces.set(one, await network.addPod(one.ip))
    // The broker's pod listens on two ports, for all clients.
    const script = `for (const port of [9092, 5556]) require('node:net').createServer((s) => s.end()).listen(port, () => console.log(port))`
    const server = spawn('ip', ['netns', 'exec', spaces.get(broker)!, process.execPath, '-e', script])
    servers.push(server)
    await new Promise<void>((resolve) => {
      let said = ''
      server.stdout!.on('data', (chunk) => {
        said += chunk
        if (said.includes('9092') && said.includes('5556')) resolve()
      })
    })
  })
  afterAll(async () => {
    for (const server of servers) server.kill()
    if (run) await removeRun(run)
  })

  const load = async (...policies: KubeObject[]) => {
    for (const [one, space] of spaces) {
      await network.filter(space, filterTable(verdictFor(one, policies, namespaces, pods), addresses.bridge))
    }
  }
  /** Whether a connection is made from a namespace; a dropped one is given up after a second. */
  const connects = (space: string, to: string) =>
    new Promise<boolean>((resolve) => {
      const command = ['netns', 'exec', space, 'timeout', '1', 'bash', '-c', `exec 3<>/dev/tcp/${to}`]
      spawn('ip', command, { stdio: 'ignore' }).on('exit', (code) => resolve(code === 0))
    })
  const from = async (port: number) => ({
    sister: await connects(spaces.get(sister)!, `${broker.ip}/${port}`),
    friend: await connects(spaces.get(friend)!, `${broker.ip}/${port}`),
    stranger: await connects(spaces.get(stranger)!, `${broker.ip}/${port}`),
    node: await connects(network.node, `${broker.ip}/${port}`),
  })

  test('without a policy every pod connects', async () => {
    await load()
    expect(await from(9092)).toEqual({ sister: true, friend: true, stranger: true, node: true })
  })

  test('a denying policy leaves the node’s probes', async () => {
    await load(policy({}))
    expect(await from(9092)).toEqual({ sister: false, friend: false, stranger: false, node: true })
  })

  test('an allowed namespace reaches the allowed port and no other', async () => {
    const peer = { namespaceSelector: { matchLabels: { trusted: 'yes' } } }
    await load(policy({ ingress: [{ from: [peer], ports: [{ port: 'client' }] }] }))
    expect(await from(9092)).toEqual({ sister: false, friend: true, stranger: false, node: true })
    expect((await from(5556)).friend).toBe(false)
  })

  test('a range of ports and a network with a hole', async () => {
    const ipBlock = { cidr: '10.244.0.0/16', except: [`${stranger.ip}/32`] }
    await load(policy({ ingress: [{ from: [{ ipBlock }], ports: [{ port: 9000, endPort: 9100 }] }] }))
    expect(await from(9092)).toEqual({ sister: true, friend: true, stranger: false, node: true })
    expect((await from(5556)).sister).toBe(false)
  })

  test('egress is filtered at the sender, and answers to incoming connections are not filtered', async () => {
    const selector = { podSelector: { matchLabels: { app: 'stranger' } }, policyTypes: ['Egress'] }
    await load(policy({ policyTypes: ['Egress'] }), policy({ ...selector, egress: [] }, 'strangers'))
    expect(await from(9092)).toEqual({ sister: true, friend: true, stranger: false, node: true })
  })
})
