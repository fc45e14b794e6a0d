import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connectKubernetes, type KubernetesClient } from '../api/client.ts'
import type { KubernetesObject } from '../api/types.ts'
import { type ApiServer, startApiServer } from '../test-support/api-server.ts'
import { clusterRole, namespace, role } from '../test-support/contract.ts'
import { type DiscoverOptions, discoverFacts } from './discover.ts'
import { type Facts, formatFacts, writeFacts } from './facts.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

function node(labels: Record<string, string>, addresses: readonly object[] = []): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', labels }, ...{ status: { addresses } } }
}

function service(spec: object, ingress: readonly object[] = []): KubernetesObject {
  const metadata = { name: 'kafka-external-2', namespace }
  return { apiVersion: 'v1', kind: 'Service', metadata, ...{ spec, status: { loadBalancer: { ingress } } } }
}

/** A server with these objects, and a pod that has the chart's rights. */
async function pod(...objects: readonly KubernetesObject[]): Promise<{
  server: ApiServer
  said: string[]
  client: KubernetesClient
  discover(options: Partial<DiscoverOptions>): Promise<Facts>
}> {
  const server = await startApiServer({
    objects: [
      ...clusterRole('discover', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]),
      ...role('discover', [
        { apiGroups: [''], resources: ['services'], resourceNames: ['kafka-external-2'], verbs: ['get'] },
      ]),
      ...objects,
    ],
  })
  const token = server.token(namespace, 'discover')
  const client = connectKubernetes({ server: server.url, ca: server.ca, token: async () => token, namespace })
  opened.push(server, client)
  const said: string[] = []
  return {
    server,
    said,
    client,
    discover: (options) =>
      discoverFacts(client, {
        ...{ rack: false, nodeName: 'n1', podName: 'kafka-2', pollMs: 1, waitMs: 20_000 },
        ...{ progress: (line: string) => said.push(line) },
        ...options,
      }),
  }
}

const loadBalancer = { service: 'kafka-external-{ordinal}', type: 'LoadBalancer' } as const
const nodePort = { service: 'kafka-external-{ordinal}', type: 'NodePort' } as const

describe('the rack', () => {
  it('is the zone of the node', async () => {
    const { discover } = await pod(
      node({ 'topology.kubernetes.io/zone': 'eu-1a', 'failure-domain.beta.kubernetes.io/zone': 'old' }),
    )
    expect(await discover({ rack: true })).toEqual({ rack: 'eu-1a' })
  })

  it('comes from the label of older clusters where there is no other', async () => {
    const { discover } = await pod(node({ 'failure-domain.beta.kubernetes.io/zone': 'eu-1b' }))
    expect(await discover({ rack: true })).toEqual({ rack: 'eu-1b' })
  })

  it('is left out, with a warning, when the node has no zone', async () => {
    const { discover, said } = await pod(node({}))
    expect(await discover({ rack: true })).toEqual({ rack: undefined })
    expect(said).toEqual([expect.stringMatching(/^warning: node n1 has no label topology.kubernetes.io\/zone/)])
  })

  it('needs to know the node', async () => {
    const { discover } = await pod()
    await expect(discover({ rack: true, nodeName: undefined })).rejects.toThrow(/NODE_NAME is not set/)
    await expect(discover({ rack: true })).rejects.toThrow(/There is no Node n1/)
  })
})

describe('the external address', () => {
  it.each([
    [{ ip: '203.0.113.7' }, { host: '203.0.113.7', port: 9094 }],
    [
      { hostname: 'lb.example.com', ip: '203.0.113.7' },
      { host: 'lb.example.com', port: 9094 },
    ],
  ])('of a load balancer %o is %o', async (ingress, external) => {
    const { discover } = await pod(service({ ports: [{ name: 'external', port: 9094 }] }, [ingress]))
    expect(await discover({ external: loadBalancer })).toEqual({ external })
  })

  it('of a load balancer is waited for, also before there is a Service', async () => {
    const { discover, server, said } = await pod()
    const found = discover({ external: loadBalancer })
    await expect.poll(() => said).toEqual(['waiting for the load balancer of Service kafka-external-2'])
    server.put(service({ ports: [{ port: 9094 }] }))
    server.put(service({ ports: [{ port: 9094 }] }, [{ ip: '203.0.113.7' }]))
    expect(await found).toEqual({ external: { host: '203.0.113.7', port: 9094 } })
  })

  it('is waited for with a time limit', async () => {
    const { discover } = await pod(service({ ports: [{ port: 9094 }] }))
    await expect(discover({ external: loadBalancer, waitMs: 5 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: expect.stringMatching(
        /waiting for the load balancer of Service kafka-external-2: it has no address yet/,
      ),
      hint: expect.stringContaining('describe service kafka-external-2'),
    })
  })

  it.each([
    [
      'ExternalIP',
      [
        { type: 'InternalIP', address: '10.0.0.5' },
        { type: 'ExternalIP', address: '203.0.113.9' },
      ],
      '203.0.113.9',
    ],
    [
      'InternalIP',
      [
        { type: 'Hostname', address: 'n1' },
        { type: 'InternalIP', address: '10.0.0.5' },
      ],
      '10.0.0.5',
    ],
  ])('of a node port is the node’s %s', async (_, addresses, host) => {
    const ports = [
      { name: 'metrics', port: 1, nodePort: 30_001 },
      { name: 'external', port: 9094, nodePort: 31_002 },
    ]
    const { discover } = await pod(node({}, addresses), service({ ports }))
    expect(await discover({ external: nodePort })).toEqual({ external: { host, port: 31_002 } })
  })

  it('needs a number in the pod’s name, and a port that is meant', async () => {
    const { discover } = await pod(
      service(
        {
          ports: [
            { name: 'a', port: 1 },
            { name: 'b', port: 2 },
          ],
        },
        [{ ip: '203.0.113.7' }],
      ),
    )
    await expect(discover({ external: loadBalancer, podName: 'kafka' })).rejects.toThrow(
      /POD_NAME is not set, or is not/,
    )
    await expect(discover({ external: loadBalancer })).rejects.toThrow(/has 2 ports, and none is named external/)
  })

  it('of another pod cannot be read', async () => {
    const { discover } = await pod()
    await expect(discover({ external: loadBalancer, podName: 'kafka-3' })).rejects.toThrow(
      /system:serviceaccount:kafka:discover may not get services "kafka-external-3"/,
    )
  })
})

describe('the file of facts', () => {
  it('has a line for each, addresses as they stand in a listener', () => {
    expect(formatFacts({ rack: 'eu-1a', external: { host: 'lb.example.com', port: 9094 } })).toBe(
      'rack=eu-1a\nexternal.host=lb.example.com\nexternal.port=9094\n',
    )
    expect(formatFacts({ external: { host: '2001:db8::1', port: 31_002 } })).toBe(
      'external.host=[2001:db8::1]\nexternal.port=31002\n',
    )
    expect(formatFacts({})).toBe('')
  })

  it.each([
    { rack: 'eu 1a' },
    { rack: '$(reboot)' },
    { rack: 'a\nexternal.host=evil' },
    { external: { host: 'a;b', port: 1 } },
    { external: { host: '-oProxy', port: 1 } },
    { external: { host: '999.1.1.1:', port: 1 } },
    { external: { host: 'a', port: 0 } },
    { external: { host: 'a', port: 65_536 } },
  ])('refuses %o', (facts) => {
    expect(() => formatFacts(facts)).toThrow(/would be .*, which is not /)
  })

  it('is written whole, or not at all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-facts-'))
    opened.push({ close: () => rmSync(folder, { recursive: true, force: true }) })
    const file = join(folder, 'facts')
    await writeFacts(file, 'rack=a\n')
    await writeFacts(file, 'rack=b\n')
    expect(readFileSync(file, 'utf8')).toBe('rack=b\n')
    expect(readdirSync(folder)).toEqual(['facts'])
    await expect(writeFacts(join(folder, 'none', 'facts'), '')).rejects.toThrow(/Cannot write .*none\/facts/)
  })
})
