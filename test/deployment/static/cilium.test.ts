// CiliumNetworkPolicies against Cilium's own schema of them, from its Go module: what its API server extension would refuse, or drop.
// That egress to the API server is `toEntities: [kube-apiserver]`, on the ports after the translation of the Service, is what its
// documentation says: Documentation/security/policy/language.rst, "Entities based", of the same version.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { fetchModuleSchema, type ModuleSchema, moduleValidator } from './module-schemas.ts'
import { type Json, ofKind } from './objects.ts'
import { renderChart } from './render.ts'

const schema: ModuleSchema = {
  module: 'github.com/cilium/cilium',
  version: 'v1.18.4',
  sum: 'h1:/HrbeMmk46UDkJs4uJemIqxB7wuZ+QRMNVscNYua5C8=',
  path: 'pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml',
  apiVersion: 'v2',
}
const missing = await fetchModuleSchema(schema)
const tools = await orMissing(async () => ({ helm: await fetchHelm('4') }))

describe.skipIf(missing !== null || 'missing' in tools)('CiliumNetworkPolicies, to Cilium’s own schema', () => {
  const rendered = async (values: Json = {}) => {
    const { objects } = await renderChart({
      ...{ helm: 'value' in tools ? tools.value.helm : '', values, apiVersions: ['cilium.io/v2'] },
    })
    return ofKind(objects, 'CiliumNetworkPolicy')
  }

  it('are right, of every pod that asks the API server', async () => {
    const mistakes = await moduleValidator(schema)
    const policies = await rendered()
    expect(policies.map(({ metadata }) => metadata.name)).toEqual([
      'kafka-credentials-api-server',
      'kafka-setup-api-server',
      'kafka-api-server',
    ])
    for (const policy of policies) expect(mistakes(policy), policy.metadata.name).toEqual([])
  })

  it.each([
    ['a misspelt field', (spec: Json) => Object.assign(spec.egress[0], { toEntity: ['world'] }), 'toEntity'],
    ['an entity that is none', (spec: Json) => spec.egress[0].toEntities.push('api-server'), 'must be equal to one of'],
    [
      'a port that is a number',
      (spec: Json) => Object.assign(spec.egress[0].toPorts[0].ports[0], { port: 443 }),
      'string',
    ],
  ])('would be refused with %s', async (_, spoil, message) => {
    const mistakes = await moduleValidator(schema)
    const [policy] = structuredClone(await rendered()) as [Json]
    spoil(policy.spec)
    expect(mistakes(policy).join('\n')).toContain(message)
  })
})
