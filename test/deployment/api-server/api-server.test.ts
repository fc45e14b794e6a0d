// The chart and the manifests in a cluster of Kubernetes whose API server and controllers are real, and which has no node: installed
// by the oldest Helm that counts and by the newest, admitted under Pod Security, upgraded, refused, taken away. What the
// pods do that are made there is proven beside this, in test/deployment/running.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandsOf, outside, readRunbook } from '../runbook.ts'
import { fetchHelm } from '../static/helm.ts'
import { chartFolder } from '../static/render.ts'
import { kubernetesBinaries, missingKubernetes } from './binaries.ts'
import { type ControlPlane, startControlPlane } from './start.ts'

const missing = missingKubernetes()
const root = fileURLToPath(new URL('../../..', import.meta.url))
/** Commands of the documents that are run outside of the cluster. */
const documented = [
  'runbooks/kafka-operations',
  'guides/install',
  'guides/security',
  'guides/tuning',
  'guides/zookeeper-to-kraft',
]
  .map((name) => `docs/${name}.md`)
  .flatMap((document) =>
    commandsOf(
      readRunbook(readFileSync(join(root, document), 'utf8')).blocks.filter(({ language }) => language === 'console'),
    )
      .filter(({ words }) => words[0] === 'kubectl' || words[0] === 'helm')
      .map((command) => ({ document, ...command })),
  )
const workloads = 'statefulsets,deployments,jobs,cronjobs'
const restricted = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`)

interface Live {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly generation?: number
    readonly resourceVersion: string
  }
  readonly spec: { readonly replicas?: number }
  readonly status: { readonly replicas?: number; readonly active?: number }
}

describe.skipIf(missing !== null)(`in a cluster${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-helm-'))
  let cluster: ControlPlane
  let helms: Readonly<Record<'3.8' | '3' | '4', string>>

  /** Runs Helm. @returns the warnings of it and of the API server. @throws Error with what it printed when it fails. */
  async function helm(version: keyof typeof helms, args: readonly string[]): Promise<string> {
    const env = { PATH: process.env.PATH, HOME: folder, KUBECONFIG: cluster.kubeconfig }
    const { exitCode, stdout, stderr } = await run(helms[version], args, { cwd: root, env, timeoutMs: 120_000 })
    if (exitCode !== 0) throw new Error(`helm ${args.join(' ')}\n${stdout}${stderr}`)
    return stderr
  }
  const set = (values: readonly string[]) => values.flatMap((value) => ['--set', value])
  const install = (version: keyof typeof helms, namespace: string, values: readonly string[]) =>
    helm(version, ['install', 'kafka-cluster', chartFolder, '--namespace', namespace, ...set(values)])
  const upgrade = (version: keyof typeof helms, values: readonly string[], namespace = 'kafka', ...options: string[]) =>
    helm(version, [
      'upgrade',
      'kafka-cluster',
      chartFolder,
      '-n',
      namespace,
      '--reuse-values',
      ...set(values),
      ...options,
    ])
  const inKafka = (...words: string[]) => cluster.kubectl(['-n', 'kafka', ...words])
  const list = async (kinds: string, namespace = 'kafka') =>
    (JSON.parse(await cluster.kubectl(['-n', namespace, 'get', kinds, '-o', 'json'])) as { items: Live[] }).items
  const named = (objects: readonly Live[]) => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()
  /** What tells that an object was changed: its status, which controllers write, counts only where there is no generation. */
  const versions = (objects: readonly Live[]) =>
    Object.fromEntries(
      objects.map(({ kind, metadata }) => [
        `${kind}/${metadata.name}`,
        `${metadata.uid} ${metadata.generation ?? metadata.resourceVersion}`,
      ]),
    )
  const everything = `${workloads},services,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets`

  async function makeNamespace(name: string): Promise<void> {
    await cluster.kubectl(['create', 'namespace', name])
    await cluster.kubectl(['label', 'namespace', name, ...restricted])
  }
  /** Until the controllers have made, or taken over, the pods of every workload. @throws Error when one is refused. */
  const podsMade = (namespace = 'kafka') =>
    cluster.waitFor(`every workload of ${namespace} has its pods`, async () => {
      const failed = ['--field-selector', 'reason=FailedCreate']
      const refused = await cluster.kubectl(['-n', namespace, 'get', 'events', ...failed])
      if (refused !== '') throw new Error(refused)
      const made = await list('statefulsets,deployments,jobs', namespace)
      // A Deployment has one more while it is rolled, which does not end here: no kubelet makes a pod ready.
      return made.every(({ spec, status }) => (status.replicas ?? status.active ?? 0) >= (spec.replicas ?? 1))
    })
  /** `selfmonitor kubernetes …` as a pod of that ServiceAccount runs it. */
  async function asPod(account: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const mounted = await cluster.serviceAccount('kafka', account)
    const program = ['--conditions=source', join(root, 'packages/cli/src/main.ts'), 'kubernetes', ...words]
    return run(process.execPath, [...program, '--service-account', mounted], {
      env: { ...process.env, KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${cluster.port}`, ...env },
      timeoutMs: 120_000,
    })
  }
  const credentials = async () => {
    const spec = join(folder, 'spec.json')
    const map = JSON.parse(await inKafka('get', 'configmap', 'kafka-credentials-spec', '-o', 'json'))
    writeFileSync(spec, map.data['spec.json'])
    return asPod('kafka-credentials', ['credentials', '--spec', spec])
  }

  beforeAll(async () => {
    const binaries = kubernetesBinaries()
    const [three, four] = await Promise.all([fetchHelm('3'), fetchHelm('4')])
    helms = { '3.8': binaries.helm, '3': three, '4': four }
    cluster = await startControlPlane(binaries)
    await makeNamespace('kafka')
  }, 300_000)
  afterAll(async () => {
    await cluster?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each<{ namespace: string; version: keyof typeof helms; values: string }>([
    { namespace: 'staging', version: '3.8', values: 'environment=staging' },
    { namespace: 'development', version: '3.8', values: 'environment=development' },
    {
      namespace: 'outside',
      version: '3',
      values: 'environment=production,kafka.external.enabled=true,kafka.external.type=NodePort',
    },
    {
      namespace: 'zookeeper',
      version: '4',
      values: 'environment=production,monitoring.enabled=true,coordination=zookeeper',
    },
    {
      namespace: 'migrating',
      version: '4',
      values: 'environment=production,coordination=zookeeper,zookeeper.migration=brokers',
    },
  ])(
    'Helm $version installs $values: without a warning, and every pod is admitted as restricted',
    async ({ namespace, version, values }) => {
      await makeNamespace(namespace)
      expect(await install(version, namespace, values.split(','))).toBe('')
      await podsMade(namespace)
      await helm(version, ['uninstall', 'kafka-cluster', '--namespace', namespace])
    },
    120_000,
  )

  it('is installed by Helm 4 in production', async () => {
    expect(await install('4', 'kafka', ['environment=production'])).toBe('')
    await podsMade()
    expect(named(await list('pods')).filter((name) => /kafka-\d$|controller/.test(name))).toEqual([
      ...['Pod/kafka-0', 'Pod/kafka-1', 'Pod/kafka-2'],
      ...['Pod/kafka-controller-0', 'Pod/kafka-controller-1', 'Pod/kafka-controller-2'],
    ])
  }, 120_000)

  it('makes credentials with the rights of their Job and no more, once', async () => {
    const first = await credentials()
    expect(first, first.stderr).toMatchObject({ exitCode: 0 })
    expect(first.stdout).toMatch(/^[1-9]\d created, 0 renewed, 0 updated, 0 kept/)
    const before = versions(await list('secrets'))
    expect((await credentials()).stdout).toMatch(/^0 created, 0 renewed, 0 updated, [1-9]\d kept/)
    expect(versions(await list('secrets'))).toEqual(before)
  }, 120_000)

  const [job, setup, broker, service, stranger] = [
    ...['kafka:kafka-credentials', 'kafka:kafka-setup', 'kafka:kafka'],
    ...['selfmonitor:payment-service', 'another:payment-service'],
  ].map((account) => `system:serviceaccount:${account}`)
  it.each<[who: string, may: 'yes' | 'no', ...what: string[]]>([
    [job!, 'yes', 'get', 'secret/kafka-ca'],
    [job!, 'no', 'get', 'secret/another'],
    [job!, 'no', 'list', 'secrets'],
    [job!, 'no', 'delete', 'secret/kafka-ca'],
    [job!, 'no', 'create', 'pods'],
    [setup!, 'yes', 'patch', 'configmap/kafka-identity'],
    [setup!, 'no', 'get', 'secret/kafka-user-admin'],
    [broker!, 'yes', 'get', 'nodes'],
    [broker!, 'no', 'list', 'nodes'],
    [broker!, 'no', 'get', 'secret/kafka-user-kafka-broker'],
    [service!, 'yes', 'get', 'configmap/kafka-ca-bundle'],
    [service!, 'no', 'get', 'configmap/kafka-identity'],
    [service!, 'no', 'get', 'secret/kafka-user-payment-service'],
    [stranger!, 'no', 'get', 'configmap/kafka-ca-bundle'],
  ])('as %s: %s to %s %s', async (who, may, ...what) => {
    const namespace = who.split(':')[2]
    const group = `system:serviceaccounts:${namespace}`
    const asked = await run(
      kubernetesBinaries().kubectl,
      ['auth', 'can-i', ...what, '-n', 'kafka', '--as', who, '--as-group', group],
      { env: { ...process.env, KUBECONFIG: cluster.kubeconfig } },
    )
    expect(asked.stdout, asked.stderr).toBe(`${may}\n`)
  })

  it('lists them with the commands of the runbook', async () => {
    const block = readRunbook().blocks.find(({ text }) => text.includes('get secrets,configmaps -l '))!
    const [command] = block.text.split('\n').filter((line) => line.includes('get secrets,configmaps'))
    const listed = await cluster.kubectl([...command!.split(' ').slice(1), '-o', 'name'])
    for (const name of [
      'secret/kafka-ca',
      'secret/kafka-user-admin',
      'configmap/kafka-identity',
      'configmap/kafka-config',
    ])
      expect(listed.split('\n')).toContain(name)
  })

  it('records that the quorum was formed, and finds a broker’s zone, with the rights of those pods', async () => {
    const formed = await asPod('kafka-setup', ['mark-formed'])
    expect(formed, formed.stderr).toMatchObject({ exitCode: 0 })
    const identity = JSON.parse(await inKafka('get', 'configmap', 'kafka-identity', '-o', 'json'))
    expect(identity.data.formed).toBe('true')
    const labels = { 'topology.kubernetes.io/zone': 'zone-a' }
    await cluster.kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a', labels } }),
    )
    const facts = join(folder, 'facts')
    const found = await asPod('kafka', ['discover', '--out', facts, '--rack'], {
      ...{ NODE_NAME: 'node-a', POD_NAME: 'kafka-0', POD_NAMESPACE: 'kafka' },
    })
    expect(found, found.stderr).toMatchObject({ exitCode: 0 })
    expect(readFileSync(facts, 'utf8')).toBe('rack=zone-a\n')
    await cluster.kubectl(['delete', 'node', 'node-a'])
  }, 120_000)

  it('is upgraded with the same values by either Helm: nothing is changed, and setup runs again', async () => {
    const isSetup = ([name]: [string, string]) => name.startsWith('Job/kafka-setup-')
    const before = Object.entries(versions(await list(everything)))
    await upgrade('4', [])
    await upgrade('3.8', [])
    const after = Object.entries(versions(await list(everything)))
    expect(after.filter((entry) => !isSetup(entry))).toEqual(before.filter((entry) => !isSetup(entry)))
    expect(after.filter(isSetup)).toHaveLength(1)
    expect(after.find(isSetup)![0]).not.toBe(before.find(isSetup)![0])
  }, 120_000)

  it('refuses an upgrade that would remove brokers which kubectl scale added', async () => {
    await inKafka('scale', 'statefulset', 'kafka', '--replicas=5')
    await podsMade()
    await expect(upgrade('4', [])).rejects.toThrow('kafka.replicaCount is 3, but StatefulSet kafka has 5 brokers')
    await expect(upgrade('3.8', [])).rejects.toThrow('kafka.replicaCount is 3, but StatefulSet kafka has 5 brokers')
    await upgrade('4', ['kafka.replicaCount=5'])
    await podsMade()
  }, 120_000)

  it('reports with Helm 4 which manager owns the replicas that kubectl scale has set, and overwrites them with force', async () => {
    await makeNamespace('scaled')
    await install('4', 'scaled', ['environment=staging'])
    await cluster.kubectl(['-n', 'scaled', 'scale', 'statefulset', 'kafka', '--replicas=5'])
    const six = ['kafka.replicaCount=6']
    await expect(upgrade('4', six, 'scaled')).rejects.toThrow('conflict with "kubectl" with subresource "scale"')
    await upgrade('4', six, 'scaled', '--force-conflicts')
    await upgrade('4', ['kafka.replicaCount=7'], 'scaled')
    await helm('4', ['uninstall', 'kafka-cluster', '--namespace', 'scaled'])
  }, 120_000)

  it('has a volume grown as the runbook says: another StatefulSet around the same pods', async () => {
    await expect(upgrade('3', ['kafka.persistence.size=1Ti'])).rejects.toThrow('was created with 500Gi')
    const brokers = async () =>
      (await list('pods')).flatMap(({ metadata }) => (/^kafka-\d$/.test(metadata.name) ? [metadata.uid] : []))
    const before = await brokers()
    await inKafka('delete', 'statefulset', 'kafka', '--cascade=orphan')
    await upgrade('3', ['kafka.persistence.size=1Ti'])
    await podsMade()
    expect(before).toHaveLength(5)
    expect(await brokers()).toEqual(before)
  }, 120_000)

  it('keeps identity, credentials and volumes when it is uninstalled, and uses them when it is installed again', async () => {
    await helm('4', ['uninstall', 'kafka-cluster', '--namespace', 'kafka', '--wait'])
    const left = named(await list(`${everything},secrets,persistentvolumeclaims`))
    for (const name of [
      'ConfigMap/kafka-identity',
      'ConfigMap/kafka-ca-bundle',
      'Secret/kafka-ca',
      'Secret/kafka-user-admin',
    ])
      expect(left).toContain(name)
    for (const name of ['PersistentVolumeClaim/data-kafka-0', 'PersistentVolumeClaim/data-kafka-controller-0'])
      expect(left).toContain(name)
    expect(
      left.filter((name) => /^(StatefulSet|Deployment|Job|CronJob|Service|Role|NetworkPolicy)\//.test(name)),
    ).toEqual([])
    await install('3.8', 'kafka', ['environment=production', 'kafka.persistence.size=1Ti'])
    expect((await credentials()).stdout).toMatch(/^0 created, 0 renewed, 0 updated, [1-9]\d kept/)
    await helm('4', ['uninstall', 'kafka-cluster', '--namespace', 'kafka', '--wait'])
  }, 120_000)

  it('has every subcommand and option that the documents type for kubectl and helm', async () => {
    const helps = new Map<string, Promise<string>>()
    const programs = { kubectl: kubernetesBinaries().kubectl, helm: helms[3] }
    const help = (program: keyof typeof programs, words: readonly string[]) => {
      const key = [program, ...words].join(' ')
      const answer = helps.get(key) ?? run(programs[program], words).then(({ stdout }) => stdout)
      helps.set(key, answer)
      return answer
    }
    const common = { kubectl: await help('kubectl', ['options']), helm: '' }
    const problems: string[] = []
    for (const { document, at, words } of documented) {
      const program = words[0] as keyof typeof programs
      const typed = outside(words.slice(1))
      const isValue = (index: number) => /^(-[cfnolp]|--namespace)$/.test(typed[index - 1] ?? '')
      // Down to the subcommand whose help does not list the next word: create, secret, generic.
      const subcommand: string[] = []
      let known = await help(program, ['--help'])
      for (const verb of typed.filter((word, index) => !word.startsWith('-') && !isValue(index))) {
        if (!new RegExp(`^ {2}${verb.replaceAll(/\W/g, '.')}\\s`, 'm').test(known)) break
        subcommand.push(verb)
        known = await help(program, [...subcommand, '--help'])
      }
      if (subcommand.length === 0) problems.push(`${document} ${at}: ${words.slice(0, 3).join(' ')}`)
      for (const word of typed.filter((_, index) => !isValue(index))) {
        const long = /^--[a-z][a-z-]*/.exec(word)?.[0]
        const options = long ? [long] : /^-[a-z]+$/.test(word) ? [...word.slice(1)].map((letter) => `-${letter}`) : []
        for (const option of options) {
          if (!new RegExp(`(^|[\\s,])${option}(?![a-z-])`, 'm').test(known + common[program]))
            problems.push(`${document} ${at}: ${program} ${subcommand.join(' ')} … ${option}`)
        }
      }
    }
    expect(documented.length).toBeGreaterThan(100)
    expect(problems).toEqual([])
  }, 120_000)

  it('takes the plain manifests in their order, and the same ones again without a change', async () => {
    const apply = async () => {
      for (const name of ['kafka-cluster', 'confluent-platform', 'kafka-monitoring'])
        await cluster.kubectl(['apply', '--validate=strict', '-f', join(root, `infra/k8s/kafka/${name}.yaml`)])
    }
    await apply()
    await podsMade()
    const before = versions(await list(everything))
    await apply()
    expect(versions(await list(everything))).toEqual(before)
    // One door to a namespace.
    await expect(install('4', 'kafka', ['environment=production'])).rejects.toThrow('invalid ownership metadata')
  }, 120_000)
})
