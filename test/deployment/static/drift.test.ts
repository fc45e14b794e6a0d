// What `npm run manifests` makes is as it would be made now, and can be applied in the order it has.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { differences, type GeneratedFile, root } from '../../../scripts/manifests/files.ts'
import { monitoringFiles } from '../../../scripts/manifests/monitoring-files.ts'
import { plainManifests } from '../../../scripts/manifests/plain.ts'
import { platformCopies } from '../../../scripts/manifests/platform-copies.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { nameOf, ofKind, parseObjects, podsOf } from './objects.ts'

const outOfDate = async (files: readonly GeneratedFile[]) => (await differences(files)).map(({ path }) => path)

it('has the chart carry platform.yaml and every schema as they are in the repository (npm run manifests)', async () => {
  expect(await outOfDate(await platformCopies())).toEqual([])
})

it('has the chart carry rules, routes and dashboards as packages/monitor makes them (npm run manifests)', async () => {
  expect(await outOfDate(await monitoringFiles())).toEqual([])
})

const helm = await orMissing(() => fetchHelm('4'))
it.skipIf('missing' in helm)(
  'has the plain manifests as the chart renders them (npm run manifests)',
  async () => {
    expect(await outOfDate(await plainManifests())).toEqual([])
  },
  60_000,
)

const workloadsOf: Readonly<Record<string, readonly string[]>> = {
  'kafka-cluster.yaml': ['StatefulSet kafka', 'StatefulSet kafka-controller'],
  'confluent-platform.yaml': ['kafka-connect', 'kafka-ui', 'ksqldb-server', 'schema-registry'].map(
    (name) => `Deployment ${name}`,
  ),
  'kafka-monitoring.yaml': [
    ...['Deployment kafka-exporter', 'Deployment kafka-grafana'],
    ...['StatefulSet kafka-alertmanager', 'StatefulSet kafka-prometheus'],
  ],
}
describe.each(Object.keys(workloadsOf))('%s', (name) => {
  const read = async () => parseObjects(await readFile(join(root, 'infra/k8s/kafka', name), 'utf8'))

  it('lists objects before the pods that need them', async () => {
    const objects = await read()
    const firstPod = objects.findIndex((object) => podsOf([object]).length > 0)
    const needed = ['Namespace', 'ServiceAccount', 'Role', 'RoleBinding', 'ConfigMap', 'NetworkPolicy']
    expect(firstPod).toBeGreaterThan(0)
    expect(
      objects
        .slice(firstPod)
        .filter(({ kind }) => needed.includes(kind))
        .map(nameOf),
    ).toEqual([])
  })

  it('has what it is named for', async () => {
    const objects = await read()
    const workloads = [...ofKind(objects, 'StatefulSet'), ...ofKind(objects, 'Deployment')].map(nameOf).sort()
    expect(workloads).toEqual(workloadsOf[name])
  })
})
