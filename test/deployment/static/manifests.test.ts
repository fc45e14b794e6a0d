// What is made by `npm run manifests` is as it would be made now, and the plain manifests can be applied as they stand.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { differences, root } from '../../../scripts/manifests/files.ts'
import { plainManifests } from '../../../scripts/manifests/plain.ts'
import { platformCopies } from '../../../scripts/manifests/platform-copies.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { kubernetesVersions, loadKubernetesSchemas } from './kubernetes-schemas.ts'
import { type KubernetesObject, nameOf, ofKind, parseObjects, podsOf } from './objects.ts'

const paths = async (files: Parameters<typeof differences>[0]) => (await differences(files)).map(({ path }) => path)

it('has the chart carry platform.yaml and every schema as they are in the repository (npm run manifests)', async () => {
  expect(await paths(await platformCopies())).toEqual([])
})

const tools = await orMissing(async () => ({ helm: await fetchHelm('4'), validate: await loadKubernetesSchemas() }))

describe.skipIf('missing' in tools)('the plain manifests', () => {
  const read = async (name: string): Promise<readonly KubernetesObject[]> =>
    parseObjects(await readFile(join(root, 'infra/k8s/kafka', name), 'utf8'))
  const all = async () => [...(await read('kafka-cluster.yaml')), ...(await read('confluent-platform.yaml'))]

  it('are what the chart renders (npm run manifests)', async () => {
    expect(await paths(await plainManifests())).toEqual([])
  }, 60_000)

  it('begin with the namespace, which enforces the Pod Security Standard restricted', async () => {
    const [first] = await read('kafka-cluster.yaml')
    expect(first).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'kafka', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    })
  })

  it('have each object once, in a namespace that is there, and no hook that kubectl would ignore', async () => {
    const objects = await all()
    const names = objects.map(nameOf)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    const clusterScoped = ['Namespace', 'ClusterRole', 'ClusterRoleBinding']
    expect(
      objects.filter(({ kind, metadata }) => !clusterScoped.includes(kind) && metadata.namespace !== 'kafka'),
    ).toEqual([])
    expect(objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)).toEqual([])
  })

  it('come with ServiceAccounts, roles and ConfigMaps before the pods that need them', async () => {
    for (const file of ['kafka-cluster.yaml', 'confluent-platform.yaml']) {
      const objects = await read(file)
      const firstPod = objects.findIndex((object) => podsOf([object]).length > 0)
      const late = objects
        .slice(firstPod)
        .filter(({ kind }) => ['ServiceAccount', 'Role', 'RoleBinding', 'ConfigMap'].includes(kind))
      expect(late.map(nameOf)).toEqual([])
    }
  })

  it('have what each file is named for', async () => {
    const kafka = (await read('kafka-cluster.yaml')).map(nameOf)
    expect(kafka).toContain('StatefulSet kafka')
    expect(kafka).toContain('StatefulSet kafka-controller')
    expect(kafka.filter((name) => /^Job kafka-(credentials|setup)-[0-9a-f]{10}$/.test(name))).toHaveLength(2)
    const confluent = await read('confluent-platform.yaml')
    expect(
      ofKind(confluent, 'Deployment')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(['kafka-connect', 'kafka-ui', 'ksqldb-server', 'schema-registry'])
  })

  it.each(kubernetesVersions)('are what the schemas of Kubernetes %s accept', async (version) => {
    const validate = 'value' in tools ? tools.value.validate : () => []
    const problems = (await all()).flatMap((object) =>
      validate(version, object).map((problem) => `${nameOf(object)} ${problem}`),
    )
    expect(problems).toEqual([])
  })
})
