// The chart, rendered by Helm 3 and Helm 4 in every shape it has: valid for Kubernetes 1.25 and 1.37, and by our rules.
import { beforeAll, describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { kubernetesVersions, loadKubernetesSchemas, type ValidateObject } from './kubernetes-schemas.ts'
import { allPairs, type Combination, combinations, extras, pairsOf } from './matrix.ts'
import { type Json, type KubernetesObject, nameOf, ofKind } from './objects.ts'
import { lintChart, mapAtOnce, type Rendered, renderChart } from './render.ts'
import { clusterScopedClashes, type RuleName, rules, upgradeConflicts } from './rules/index.ts'

const tools = await orMissing(async () => ({
  helm3: await fetchHelm('3'),
  helm4: await fetchHelm('4'),
  validate: await loadKubernetesSchemas(),
}))
const { helm3, helm4, validate } =
  'value' in tools ? tools.value : { helm3: '', helm4: '', validate: (() => []) as ValidateObject }

/** One message for all combinations in which something is wrong. */
class Findings {
  readonly #found = new Map<string, string[]>()
  add(found: string, combination: Combination): void {
    // A Job's name has a hash of what it does.
    const problem = found.replace(/-[0-9a-f]{10}\b/g, '-…')
    this.#found.set(problem, [...(this.#found.get(problem) ?? []), combination.title])
  }
  get list(): string[] {
    return [...this.#found].map(
      ([problem, where]) => `${problem} (in ${where.length} of ${combinations.length}: ${where[0]})`,
    )
  }
}

describe.skipIf('missing' in tools)('the chart in all combinations', () => {
  let rendered: (Rendered & { combination: Combination })[]
  const refused = new Findings()

  beforeAll(async () => {
    const all = await mapAtOnce(2, combinations, (combination) =>
      renderChart({ ...combination, helm: helm3 }).then(
        (result) => ({ combination, ...result }),
        (error: Error) => refused.add(error.message, combination),
      ),
    )
    rendered = all.filter((result) => result !== undefined)
  })

  it('can be rendered', () => {
    expect(refused.list).toEqual([])
  })

  it('has each pair of settings in at least one combination', () => {
    const covered = new Set(combinations.flatMap(({ levels }) => pairsOf(levels)))
    expect([...allPairs].filter((pair) => !covered.has(pair))).toEqual([])
  })

  it('passes helm lint --strict of Helm 3 and Helm 4', async () => {
    const findings = new Findings()
    await mapAtOnce(2, combinations, async (combination) => {
      for (const helm of [helm3, helm4])
        await lintChart({ ...combination, helm }).catch((error: Error) => findings.add(error.message, combination))
    })
    expect(findings.list).toEqual([])
  }, 120_000)

  it('comes out the same, byte for byte, when it is rendered again', async () => {
    const findings = new Findings()
    await mapAtOnce(2, rendered, async ({ combination, yaml }) => {
      const again = await renderChart({ ...combination, helm: helm3 })
      if (again.yaml !== yaml) findings.add(firstDifference(yaml, again.yaml), combination)
    })
    expect(findings.list).toEqual([])
  }, 120_000)

  it('comes out of Helm 4 with the same objects as out of Helm 3', async () => {
    const findings = new Findings()
    const byName = (objects: readonly KubernetesObject[]) =>
      new Map(objects.map((object) => [nameOf(object), JSON.stringify(object, null, 1)]))
    await mapAtOnce(2, rendered, async ({ combination, objects }) => {
      const theirs = byName((await renderChart({ ...combination, helm: helm4 })).objects)
      const ours = byName(objects)
      for (const name of new Set([...ours.keys(), ...theirs.keys()]))
        if (ours.get(name) !== theirs.get(name))
          findings.add(`${name}: ${firstDifference(ours.get(name) ?? '', theirs.get(name) ?? '')}`, combination)
    })
    expect(findings.list).toEqual([])
  }, 120_000)

  it.each(kubernetesVersions)('is what the schemas of Kubernetes %s accept', (version) => {
    const findings = new Findings()
    const seen = new Map<KubernetesObject, readonly string[]>()
    for (const { combination, objects } of rendered)
      for (const object of objects) {
        if (!seen.has(object)) seen.set(object, validate(version, object))
        for (const problem of seen.get(object)!) findings.add(`${nameOf(object)} ${problem}`, combination)
      }
    expect(seen.size).toBeGreaterThan(0)
    expect(findings.list).toEqual([])
  })

  it.each(Object.keys(rules) as RuleName[])('holds the rule %s', (rule) => {
    const findings = new Findings()
    for (const { combination, objects } of rendered)
      for (const problem of rules[rule](objects, combination)) findings.add(problem, combination)
    expect(findings.list).toEqual([])
  })
})

function firstDifference(one: string, other: string): string {
  const [ours, theirs] = [one.split('\n'), other.split('\n')]
  const at = ours.findIndex((line, index) => line !== theirs[index])
  return at < 0 ? `${JSON.stringify(theirs[ours.length])} is more` : `${ours[at]} / ${theirs[at]}`
}

describe.skipIf('missing' in tools)('the chart', () => {
  const done = new Map<string, Promise<Rendered>>()
  /** Renders once for the same values: most tests begin with the default ones. */
  const render = async (values: Json = {}, more: Partial<Parameters<typeof renderChart>[0]> = {}) => {
    const key = JSON.stringify([values, more])
    if (!done.has(key)) done.set(key, renderChart({ helm: helm3, values, ...more }))
    return (await done.get(key)!).objects
  }

  it.each(['production', 'staging', 'development'])('upgrades from few values to many in %s', async (environment) => {
    // The extras move claims to another storage class, which no upgrade can do.
    const many = { ...extras, environment, kafka: { ...extras.kafka, persistence: {} }, monitoring: { enabled: true } }
    const before = await render({ environment })
    expect(upgradeConflicts(before, await render(many))).toEqual([])
    expect(upgradeConflicts(await render(many), before)).toEqual([])
  })

  it.each<[string, Json]>([
    ['labels', { commonLabels: { team: 'streams' } }],
    ['annotations', { commonAnnotations: { team: 'streams' } }],
    ['pull secrets', { imagePullSecrets: [{ name: 'mirror' }] }],
    ['a mirror', { imageRegistry: 'registry.example.com' }],
    ['our image', { images: { selfmonitor: { tag: '0.2.0' } } }],
    ['when images are pulled', { images: { selfmonitor: { pullPolicy: 'Always' } } }],
    ["Kafka's image", { images: { kafka: { tag: '8.3.3' } } }],
    ['brokers', { kafka: { replicaCount: 5 } }],
    ['memory', { kafka: { resources: { requests: { memory: '16Gi' } } } }],
    ['controllers', { controller: { replicaCount: 5 } }],
    ['metrics', { monitoring: { enabled: false } }],
    ['no rack', { kafka: { rack: { enabled: false } } }],
    ['addresses outside', { kafka: { external: { enabled: true, hostnamePattern: 'kafka-{ordinal}.example.com' } } }],
    [
      'no registry',
      { schemaRegistry: { enabled: false }, setup: { schemaRegistryUrl: 'http://registry.example.com:8081' } },
    ],
    ['no UI', { ui: { kind: 'none' } }],
    ['another account', { credentials: { extraAccounts: ['reporting'] } }],
    ['other limits of Jobs', { setup: { backoffLimit: 9, waitSeconds: 60 }, credentials: { backoffLimit: 9 } }],
    ['certificates of another issuer', { security: { tls: { mode: 'cert-manager' } } }],
    ['certificates of your own', { security: { tls: { mode: 'existing' } } }],
    ['no security', { security: { enabled: false, acceptInsecure: true } }],
  ])('upgrades when all that changes is %s, and back', async (_, values) => {
    const [before, after] = [await render(), await render(values)]
    expect(upgradeConflicts(before, after)).toEqual([])
    expect(upgradeConflicts(after, before)).toEqual([])
  })

  it('upgrades step by step from ZooKeeper to KRaft, and back until the point of no return', async () => {
    const step = (migration: string) => ({ coordination: 'zookeeper', zookeeper: { migration } })
    const steps = [...['none', 'controllers', 'brokers', 'kraft', 'finished'].map(step), { coordination: 'kraft' }]
    const objects = await mapAtOnce(2, steps, (values) => render(values))
    for (const [index, before] of objects.slice(0, -1).entries()) {
      expect(upgradeConflicts(before, objects[index + 1]!)).toEqual([])
      if (index < 3) expect(upgradeConflicts(objects[index + 1]!, before)).toEqual([])
    }
  })

  it('can be installed in two namespaces of one cluster', async () => {
    const values = { kafka: { rack: { enabled: true }, external: { enabled: true, type: 'NodePort' } } }
    const one = await render(values, { namespace: 'one' })
    expect(ofKind(one, 'ClusterRole').length).toBeGreaterThan(0)
    expect(clusterScopedClashes(one, await render(values, { namespace: 'two' }))).toEqual([])
  })
})
