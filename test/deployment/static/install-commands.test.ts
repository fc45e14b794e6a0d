// The install commands of the documents, as they are written: Helm takes them, and what it would install can be scheduled.
import { readFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { describe, expect, it } from 'vitest'
import { readRunbook } from '../runbook.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type KubernetesObject, parseObjects, quantity } from './objects.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const documents = ['README.md', 'docs/guides/install.md']
const helm = await orMissing(async () => [await fetchHelm('3'), await fetchHelm('4')])
const executables = 'missing' in helm ? [] : helm.value

/** Commands that install the chart of the checkout, each once, as text for a shell. */
async function documented(): Promise<readonly string[]> {
  const texts = await Promise.all(documents.map((name) => readFile(join(root, name), 'utf8')))
  const commands = texts
    .flatMap((text) => readRunbook(text).blocks)
    .filter(({ language }) => language === 'console' || language === 'sh')
    .flatMap(({ text }) => text.replace(/\\\n\s*/g, ' ').split('\n'))
  return [
    ...new Set(commands.filter((command) => command.startsWith('helm install kafka-cluster infra/k8s/kafka/helm/'))),
  ]
}

/** Types the command, for a look only. Helm 3 asks a cluster even then, so that it renders, and there are no notes. */
async function type(
  executable: string,
  command: string,
): Promise<{ notes: string; objects: readonly KubernetesObject[] }> {
  const typed =
    executable === executables[0] ? command.replace('helm install', 'helm template') : `${command} --dry-run=client`
  const env = {
    PATH: `${dirname(executable)}${delimiter}${process.env.PATH}`,
    HOME: '/nonexistent',
    HELM_PLUGINS: '/nonexistent',
  }
  const { exitCode, stdout, stderr } = await run('bash', ['-c', typed], { cwd: root, env })
  expect(exitCode, `${command}\n${stderr}`).toBe(0)
  const [before, notes = ''] = stdout.split('\nNOTES:\n')
  return { notes, objects: parseObjects(before!.split('\nMANIFEST:\n').at(-1)!) }
}

const set = (objects: readonly KubernetesObject[], name: string) =>
  objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === name)!

/** The most pods of a StatefulSet that find a place on that many nodes, by its rules on spreading over them. */
function placed({ spec }: KubernetesObject, nodes: number): number {
  const { affinity, topologySpreadConstraints = [] } = spec.template.spec
  if (affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return Math.min(spec.replicas, nodes)
  const hard = topologySpreadConstraints.filter(
    (one: { topologyKey: string; whenUnsatisfiable: string }) =>
      one.topologyKey === 'kubernetes.io/hostname' && one.whenUnsatisfiable === 'DoNotSchedule',
  )
  // With fewer nodes than minDomains the emptiest counts as having none.
  return hard.some(
    ({ minDomains = 1, maxSkew }: { minDomains?: number; maxSkew: number }) => minDomains > nodes && maxSkew === 1,
  )
    ? Math.min(spec.replicas, nodes)
    : spec.replicas
}

describe.skipIf('missing' in helm)('the documented install commands', async () => {
  const commands = await documented()

  it('are there, for each environment', () => {
    expect(commands.length).toBeGreaterThan(5)
    for (const environment of ['production', 'staging', 'development'])
      expect(commands.join('\n')).toContain(`--set environment=${environment}`)
  })

  it.each(commands)('%s', { timeout: 60_000 }, async (command) => {
    for (const executable of executables) {
      const { objects } = await type(executable, command)
      const kafka = set(objects, 'kafka')
      // Three nodes are what the guide asks for.
      if (!command.includes('environment=development')) expect(placed(kafka, 3)).toBe(kafka.spec.replicas)
      const { requests, limits } = kafka.spec.template.spec.containers[0].resources
      expect(quantity(limits.memory)).toBeGreaterThanOrEqual(quantity(requests.memory))
    }
  })

  it('for development: a request below what a broker needs is taken, and its limit is what it needs', async () => {
    const command = commands.find((one) => one.includes('zookeeper.replicaCount=1'))!
    const { notes, objects } = await type(executables[1]!, command)
    expect(set(objects, 'kafka').spec.template.spec.containers[0].resources).toMatchObject({
      requests: { memory: '512Mi' },
      limits: { memory: '768Mi' },
    })
    expect(notes).toContain('NOT USED: zookeeper.replicaCount')
    expect(notes).toContain('kafka.resources.requests.memory is 512Mi')
  })

  it('for production: five brokers fit on three nodes; three have a node each, also where there are only two', async () => {
    const install = 'helm install kafka-cluster infra/k8s/kafka/helm/ --namespace kafka --set environment=production'
    const [executable] = executables
    const five = set((await type(executable!, `${install} --set kafka.replicaCount=5`)).objects, 'kafka')
    expect(placed(five, 3)).toBe(5)
    const three = set((await type(executable!, install)).objects, 'kafka')
    expect([placed(three, 3), placed(three, 2)]).toEqual([3, 2])
    const alone = set(
      (await type(executable!, `${install} --set kafka.replicaCount=5 --set kafka.spread.nodes=required`)).objects,
      'kafka',
    )
    expect(placed(alone, 3)).toBe(3)
  })
})
