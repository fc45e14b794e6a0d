// CiliumNetworkPolicies against Cilium's own schema of them, from its Go module: what its API server extension would refuse, or drop.
// That egress to the API server is `toEntities: [kube-apiserver]`, on the ports after the translation of the Service, is what its
// documentation says: Documentation/security/policy/language.rst, "Entities based", of the same version.
import { existsSync } from 'node:fs'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { Ajv, type ErrorObject } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { onceInCache, orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Json, ofKind } from './objects.ts'
import { renderChart } from './render.ts'

/** Cilium is Apache-2.0. */
const pinned = { version: 'v1.18.4', sum: 'h1:/HrbeMmk46UDkJs4uJemIqxB7wuZ+QRMNVscNYua5C8=' }
const crd = 'pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml'
const file = join(cacheDir(), 'cilium', pinned.version, 'ciliumnetworkpolicies.yaml')

/** Why the schema cannot be had here, in CI too: as with other Go modules; null when it is there. */
async function fetchSchema(): Promise<string | null> {
  if (existsSync(file)) return null
  let missing: string | null = null
  await onceInCache(join(file, '..'), async (partial) => {
    const env = { ...process.env, GOMODCACHE: join(partial, 'modules'), GOFLAGS: '-modcacherw', GOWORK: 'off' }
    const words = ['mod', 'download', '-json', `github.com/cilium/cilium@${pinned.version}`]
    const said = await run('go', words, { cwd: partial, env, timeoutMs: 300_000 }).catch(() => null)
    if (said?.exitCode !== 0) {
      missing = `Cilium's Go module could not be fetched: ${said?.stderr.trim().split('\n').at(-1) || 'go did not start'}`
      throw new Error(missing)
    }
    const { Dir, Sum } = JSON.parse(said.stdout) as { Dir: string; Sum: string }
    if (Sum !== pinned.sum)
      throw new Error(`Cilium ${pinned.version} is not the module that was pinned: its sum is ${Sum}`)
    await cp(join(Dir, crd), join(partial, 'ciliumnetworkpolicies.yaml'))
    await rm(join(partial, 'modules'), { recursive: true })
  }).catch((error: unknown) => {
    if (missing === null) throw error
  })
  return missing
}

const missing = await fetchSchema()
const tools = await orMissing(async () => ({ helm: await fetchHelm('4') }))

/** A schema with which what the API server would drop without a word is a mistake. */
function strict(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null) return schema
  const { properties, items, additionalProperties, ...rest } = schema
  return {
    ...rest,
    // Go's way to write a class of characters with one letter.
    ...(rest.pattern && { pattern: rest.pattern.replace(/\\([pP])([A-Z])/g, '\\$1{$2}') }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, strict(one)])),
      additionalProperties: false,
    }),
    ...(items && { items: strict(items) }),
    ...(additionalProperties && { additionalProperties: strict(additionalProperties) }),
  }
}

async function validator(): Promise<(object: Json) => readonly string[]> {
  const definition = parse(await readFile(file, 'utf8'))
  const { schema } = definition.spec.versions.find(({ name }: Json) => name === 'v2')
  // Metadata is Kubernetes' own there.
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(
    strict(schema.openAPIV3Schema),
  )
  return (object) => {
    validate(object)
    return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) =>
      `${instancePath} ${message} ${params.additionalProperty ?? ''}`.trim(),
    )
  }
}

describe.skipIf(missing !== null || 'missing' in tools)('CiliumNetworkPolicies, to Cilium’s own schema', () => {
  const rendered = async (values: Json = {}) => {
    const { objects } = await renderChart({
      ...{ helm: 'value' in tools ? tools.value.helm : '', values, apiVersions: ['cilium.io/v2'] },
    })
    return ofKind(objects, 'CiliumNetworkPolicy')
  }

  it('are right, of every pod that asks the API server', async () => {
    const mistakes = await validator()
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
    const mistakes = await validator()
    const [policy] = structuredClone(await rendered()) as [Json]
    spoil(policy.spec)
    expect(mistakes(policy).join('\n')).toContain(message)
  })
})
