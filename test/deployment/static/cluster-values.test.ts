// Values for Kubernetes clusters that are not like most: Cilium, OpenShift, more than one API server.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Json, type KubernetesObject, ofKind, podPerOwner } from './objects.ts'
import { chartFolder, renderChart } from './render.ts'

const helm = await orMissing(() => fetchHelm('3'))

describe.skipIf('missing' in helm)('the chart', () => {
  const render = async (values: Json, apiVersions: readonly string[] = []): Promise<readonly KubernetesObject[]> =>
    'missing' in helm ? [] : (await renderChart({ helm: helm.value, values, apiVersions })).objects
  /** Without Alertmanager's, which sends to Slack and others outside. */
  const blocks = (objects: readonly KubernetesObject[]) => [
    ...new Set(
      [
        ...JSON.stringify(
          ofKind(objects, 'NetworkPolicy').filter(({ metadata }) => !metadata.name.includes('alertmanager')),
        ).matchAll(/"cidr":"([^"]+)"/g),
      ].map(([, cidr]) => cidr),
    ),
  ]
  /** Deployments whose clients would notice: not the monitoring, where a scrape or a page is asked for again. */
  const services = (objects: readonly KubernetesObject[]) => {
    const found = ofKind(objects, 'Deployment').filter(({ metadata }) => !/exporter|grafana/.test(metadata.name))
    expect(found).toHaveLength(4)
    return found
  }

  it('takes a list of CIDRs of the API server', async () => {
    const objects = await render({ networkPolicy: { apiServer: { cidr: ['192.0.2.1/32', '192.0.2.2/32'] } } })
    expect(blocks(objects)).toEqual(['192.0.2.1/32', '192.0.2.2/32'])
  })

  it('allows the API server as an entity in Cilium policies, for the pods that use it', async () => {
    expect(ofKind(await render({}), 'CiliumNetworkPolicy')).toEqual([])
    expect(
      ofKind(await render({ networkPolicy: { cilium: { enabled: false } } }, ['cilium.io/v2']), 'CiliumNetworkPolicy'),
    ).toEqual([])
    for (const objects of [
      await render({}, ['cilium.io/v2']),
      await render({ networkPolicy: { cilium: { enabled: true } } }),
    ]) {
      const policies = ofKind(objects, 'CiliumNetworkPolicy')
      const components = policies.map(({ spec }) => spec.endpointSelector.matchLabels['app.kubernetes.io/component'])
      expect(components.sort()).toEqual(['credentials', 'kafka', 'setup'])
      for (const { spec } of policies) expect(spec.egress).toMatchObject([{ toEntities: ['kube-apiserver'] }])
      expect(blocks(objects)).toEqual([])
    }
  })

  it('allows DNS on the configured ports', async () => {
    const objects = await render({ networkPolicy: { dns: { ports: [5353] } } })
    for (const { spec, metadata } of ofKind(objects, 'NetworkPolicy')) {
      if (!spec.egress) continue
      expect(spec.egress[0].ports, metadata.name).toEqual([
        { port: 5353, protocol: 'UDP' },
        { port: 5353, protocol: 'TCP' },
      ])
    }
  })

  it('restarts pods for changed scripts, but not for scripts that only users run', async () => {
    const objects = await render({})
    const started = ['lib', 'kafka-init', 'kafka-start', 'kafka-startup-probe', 'kafka-pre-stop', 'certificate-watch']
    const text = started.map((name) => readFileSync(join(chartFolder, 'files/bin', `${name}.sh`), 'utf8')).join('')
    const wanted = createHash('sha256').update(text).digest('hex')
    const sets = ofKind(objects, 'StatefulSet').filter(({ metadata }) => /^kafka(-controller)?$/.test(metadata.name))
    expect(sets).toHaveLength(2)
    for (const { spec } of sets) expect(spec.template.metadata.annotations['checksum/scripts']).toBe(wanted)
    for (const { spec, metadata } of services(objects))
      expect(spec.template.metadata.annotations, metadata.name).toHaveProperty('checksum/script')
  })

  it('gives a Deployment’s pod time to leave the Service before it stops', async () => {
    for (const { spec, metadata } of services(await render({}))) {
      const { containers, terminationGracePeriodSeconds } = spec.template.spec
      expect(containers[0].lifecycle.preStop.exec.command, metadata.name).toEqual(['sleep', '5'])
      expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30)
    }
  })

  it('leaves user and groups to the cluster, or sets the given ones on all pods', async () => {
    const contexts = async (podSecurity: Json) =>
      podPerOwner(await render({ podSecurity })).map(({ spec }) => spec.securityContext)
    for (const context of await contexts({ runAsUser: null, runAsGroup: null, fsGroup: null })) {
      expect(Object.keys(context)).toEqual(['runAsNonRoot', 'fsGroupChangePolicy', 'seccompProfile'])
    }
    for (const context of await contexts({ runAsUser: 1000650000 })) expect(context.runAsUser).toBe(1000650000)
  })
})
