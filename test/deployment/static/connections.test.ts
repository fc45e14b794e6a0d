// The connections that the chart's NetworkPolicies allow, as complete lists, so that a review shows every new one.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Json, type KubernetesObject, ofKind } from './objects.ts'
import { renderChart } from './render.ts'
import { connections, connectionsOutside } from './rules/index.ts'

const helm = await orMissing(() => fetchHelm('3'))

describe.skipIf('missing' in helm)('in a release with default values', () => {
  const render = async (values: Json = {}) =>
    (await renderChart({ helm: 'value' in helm ? helm.value : '', values })).objects

  /** `kafka:client < kafka-setup, schema-registry`, sorted. */
  function inside(objects: readonly KubernetesObject[]): string[] {
    const callers = new Map<string, Set<string>>()
    const plain = (name: string) => name.replace(/-[0-9a-f]{10}$/, '')
    for (const { from, to, port } of connections(objects)) {
      const called = `${to.owner.metadata.name}:${port.name}`
      callers.set(called, (callers.get(called) ?? new Set()).add(plain(from.owner.metadata.name)))
    }
    return [...callers].map(([called, from]) => `${called} < ${[...from].sort().join(', ')}`).sort()
  }

  it('each component reaches what it works with, and nothing else', async () => {
    expect(inside(await render())).toEqual([
      'kafka-alertmanager:http < kafka-prometheus',
      'kafka-connect:http < kafka-connect, kafka-exporter, kafka-tools, kafka-ui',
      'kafka-connect:metrics < kafka-prometheus',
      'kafka-controller:controller < kafka, kafka-controller',
      'kafka-controller:metrics < kafka-prometheus',
      'kafka-exporter:metrics < kafka-prometheus',
      'kafka-prometheus:http < kafka-grafana',
      'kafka:client < kafka, kafka-connect, kafka-exporter, kafka-helm-test, kafka-setup, kafka-tools, kafka-ui, ksqldb-server, schema-registry',
      'kafka:internal < kafka',
      'kafka:metrics < kafka-prometheus',
      'ksqldb-server:http < kafka-exporter, kafka-tools, kafka-ui, ksqldb-server',
      'ksqldb-server:metrics < kafka-prometheus',
      'schema-registry:http < kafka-connect, kafka-exporter, kafka-helm-test, kafka-setup, kafka-tools, kafka-ui, ksqldb-server, schema-registry',
      'schema-registry:metrics < kafka-prometheus',
    ])
  })

  it('only brokers reach ZooKeeper, where there is one', async () => {
    const ways = inside(await render({ coordination: 'zookeeper' }))
    expect(ways.filter((way) => way.startsWith('zookeeper:'))).toEqual([
      expect.stringMatching(/^zookeeper:.*client.* < kafka$/),
      'zookeeper:election < zookeeper',
      'zookeeper:peer < zookeeper',
    ])
  })

  it.each(['controllers', 'brokers', 'kraft'])(
    'controllers reach ZooKeeper and brokers as well, while they copy and write to both (%s)',
    async (migration) => {
      const ways = inside(await render({ coordination: 'zookeeper', zookeeper: { migration } }))
      expect(ways.filter((way) => /^(zookeeper:client|kafka:internal|kafka-controller:controller) /.test(way))).toEqual(
        [
          'kafka-controller:controller < kafka, kafka-controller',
          'kafka:internal < kafka, kafka-controller',
          'zookeeper:client < kafka, kafka-controller',
        ],
      )
    },
  )

  it('controllers reach neither ZooKeeper nor brokers when the migration is finished', async () => {
    const ways = inside(await render({ coordination: 'zookeeper', zookeeper: { migration: 'finished' } }))
    expect(ways.filter((way) => / kafka, kafka-controller$| kafka-controller$/.test(way))).toEqual([
      'kafka-controller:controller < kafka, kafka-controller',
    ])
  })

  it('from outside, only clients reach Kafka and the registry, and only Prometheus the metrics', async () => {
    const ways = connectionsOutside(await render()).filter((way) => way.includes(' < '))
    expect(ways).toEqual([
      'kafka-connect:metrics < namespace monitoring',
      'kafka-controller:metrics < namespace monitoring',
      'kafka-exporter:metrics < namespace monitoring',
      'kafka:client < namespace selfmonitor',
      'kafka:metrics < namespace monitoring',
      'ksqldb-server:metrics < namespace monitoring',
      'schema-registry:http < namespace selfmonitor',
      'schema-registry:metrics < namespace monitoring',
    ])
  })

  it('to the outside, all reach DNS, the API server those who have a token, and Alertmanager what values name', async () => {
    const ways = connectionsOutside(await render()).filter((way) => way.includes(' > '))
    expect(ways.filter((way) => !way.endsWith(' > namespace kube-system k8s-app=kube-dns:53'))).toEqual([
      'kafka > 0.0.0.0/0:443,6443',
      'kafka > ::/0:443,6443',
      'kafka-alertmanager > 0.0.0.0/0:443,587',
      'kafka-alertmanager > ::/0:443,587',
      'kafka-credentials > 0.0.0.0/0:443,6443',
      'kafka-credentials > ::/0:443,6443',
      'kafka-credentials-renew > 0.0.0.0/0:443,6443',
      'kafka-credentials-renew > ::/0:443,6443',
      'kafka-setup > 0.0.0.0/0:443,6443',
      'kafka-setup > ::/0:443,6443',
    ])
  })

  it('0.0.0.0/0 means IPv4 and IPv6, and other CIDRs are used unchanged', async () => {
    const external = { enabled: true, type: 'NodePort', nodePortBase: 31090 }
    const ways = async (values: Json) =>
      connectionsOutside(await render(values)).filter((way) => /^kafka(:external|-setup)? .*\/\d/.test(way))
    expect(await ways({ kafka: { external, rack: { enabled: false } } })).toEqual([
      'kafka > 0.0.0.0/0:443,6443',
      'kafka > ::/0:443,6443',
      'kafka-setup > 0.0.0.0/0:443,6443',
      'kafka-setup > ::/0:443,6443',
      'kafka:external < 0.0.0.0/0',
      'kafka:external < ::/0',
    ])
    const named = { kafka: { external: { ...external, sourceRanges: ['2001:db8::/32'] }, rack: { enabled: false } } }
    expect(await ways({ ...named, networkPolicy: { apiServer: { cidr: '192.0.2.1/32' } } })).toEqual([
      'kafka > 192.0.2.1/32:443,6443',
      'kafka-setup > 192.0.2.1/32:443,6443',
      'kafka:external < 2001:db8::/32',
    ])
  })

  it('brokers do not use the API server when nothing has to be discovered', async () => {
    const ways = connectionsOutside(await render({ kafka: { rack: { enabled: false } } }))
    expect(ways.filter((way) => /^kafka > (0\.0\.0\.0|::)\/0/.test(way))).toEqual([])
  })

  it('the namespaces named in values are those that are let in', async () => {
    const ways = connectionsOutside(
      await render({
        security: { clientNamespaces: ['shop', 'bank'] },
        networkPolicy: { prometheusNamespace: 'observability' },
        ui: { allowedNamespaces: ['ingress'] },
        connect: { egress: [{ cidr: '192.0.2.0/24', ports: [443] }] },
        monitoring: {
          allowedNamespaces: ['metrics'],
          prometheus: { allowedNamespaces: ['keda'] },
          alertmanager: { egress: [{ cidr: '192.0.2.7/32', ports: [443] }] },
          grafana: { allowedNamespaces: ['ingress'] },
        },
      }),
    )
    for (const way of [
      'kafka:client < namespace shop',
      'kafka:client < namespace bank',
      'kafka:metrics < namespace observability',
      'kafka-ui:http < namespace ingress',
      'kafka-connect > 192.0.2.0/24:443',
      'kafka:metrics < namespace metrics',
      'kafka-exporter:metrics < namespace metrics',
      'kafka-exporter:metrics < namespace observability',
      'kafka-prometheus:http < namespace keda',
      'kafka-alertmanager > 192.0.2.7/32:443',
      'kafka-grafana:http < namespace ingress',
    ])
      expect(ways).toContain(way)
    expect(ways.filter((way) => /selfmonitor$|monitoring$/.test(way))).toEqual([])
  })

  it('no policy is rendered with networkPolicy.enabled: false', async () => {
    expect(ofKind(await render({ networkPolicy: { enabled: false } }), 'NetworkPolicy')).toEqual([])
  })
})
