// The plain manifests, as they lie in the repository and `kubectl apply` takes them: valid, by the rules, and complete.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { kubernetesVersions, loadKubernetesSchemas } from './kubernetes-schemas.ts'
import { nameOf, ofKind, parseObjects } from './objects.ts'
import { type RuleName, rules } from './rules/index.ts'

const file = (name: string) =>
  readFile(fileURLToPath(new URL(`../../../infra/k8s/kafka/${name}`, import.meta.url)), 'utf8')
const first = parseObjects(await file('kafka-cluster.yaml'))
const second = parseObjects(await file('confluent-platform.yaml'))
const third = parseObjects(await file('kafka-monitoring.yaml'))
const all = [...first, ...second, ...third]
const schemas = await orMissing(loadKubernetesSchemas)

describe('kafka-cluster.yaml, confluent-platform.yaml and kafka-monitoring.yaml', () => {
  it.skipIf('missing' in schemas).each(kubernetesVersions)(
    'are what the schemas of Kubernetes %s accept',
    (version) => {
      if ('missing' in schemas) return
      const validate = schemas.value
      const found = all.flatMap((object) => validate(version, object).map((problem) => `${nameOf(object)} ${problem}`))
      expect(found).toEqual([])
    },
  )

  it.each(Object.keys(rules) as RuleName[])('hold the rule %s', (rule) => {
    // The namespace is the one object that only the manifests have, and the only one without our labels' component.
    const objects = all.filter((object) => object.kind !== 'Namespace')
    expect(rules[rule](objects, { supplied: [] })).toEqual([])
  })

  it('begin with their namespace, which enforces Pod Security restricted', () => {
    expect(first[0]?.kind).toBe('Namespace')
    expect(first[0]?.metadata.labels?.['pod-security.kubernetes.io/enforce']).toBe('restricted')
    const namespaces = new Set(all.map((object) => object.metadata.namespace ?? first[0]!.metadata.name))
    expect([...namespaces]).toEqual([first[0]!.metadata.name])
  })

  it('have nothing that only Helm understands', () => {
    const annotated = all.filter((object) =>
      Object.keys(object.metadata.annotations ?? {}).some((key) => key.startsWith('helm.sh/')),
    )
    expect(annotated.map(nameOf)).toEqual([])
  })

  it('have each object in one file only', () => {
    const names = all.map(nameOf)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    for (const objects of [second, third]) expect(ofKind(objects, 'Deployment').length).toBeGreaterThan(0)
  })
})
