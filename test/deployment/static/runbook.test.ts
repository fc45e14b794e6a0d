// The runbook's commands outside of the cluster cannot be run here, but their names can be checked: every object, namespace, label,
// container, file, value and message that it names is looked up in the rendered chart.
import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { commandsOf, outside, readRunbook, runbookFile } from '../runbook.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { containersOf, type KubernetesObject, ofKind, podsOf, podTemplate } from './objects.ts'
import { chartFolder, renderChart } from './render.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const runbook = readRunbook()
const typedOutside = runbook.blocks.filter(({ language }) => language === 'console' || language === 'sh')
const helm = await orMissing(() => fetchHelm('4'))

/** The commands in the section on old runbooks, in the last cell of each row. */
const instead = runbook.text
  .split('\n## The command in your old runbook\n')[1]!
  .split('\n## ')[0]!
  .split('\n')
  .flatMap((row) => [...(row.split(' | ')[1] ?? '').matchAll(/`((?:kubectl|helm) [^`]+)`/g)].map(([, text]) => text!))

const commands = [
  ...commandsOf(typedOutside),
  ...commandsOf([{ ...typedOutside[0]!, line: 0, text: instead.join('\n') }]),
]
const kubectl = commands.filter(({ words }) => words[0] === 'kubectl')

const option = (words: readonly string[], ...names: readonly string[]): readonly string[] =>
  words.flatMap((word, index) => {
    if (names.includes(word)) return [words[index + 1]!]
    const name = names.find((one) => word.startsWith(`${one}=`))
    return name ? [word.slice(name.length + 1)] : []
  })
/** The command for the pod, after `--`. */
const inside = (words: readonly string[]) => (words.includes('--') ? words.slice(words.indexOf('--') + 1) : [])

/** kubectl's names of kinds. */
const kinds: Readonly<Record<string, string>> = {
  ...{ pod: 'Pod', pods: 'Pod', statefulset: 'StatefulSet', statefulsets: 'StatefulSet', deployment: 'Deployment' },
  ...{ deployments: 'Deployment', job: 'Job', jobs: 'Job', cronjob: 'CronJob', secret: 'Secret', secrets: 'Secret' },
  ...{ configmap: 'ConfigMap', configmaps: 'ConfigMap', pvc: 'PersistentVolumeClaim', pdb: 'PodDisruptionBudget' },
  ...{ service: 'Service', networkpolicies: 'NetworkPolicy', storageclass: 'StorageClass', events: 'Event' },
}

describe('a file that the documents tell you to write into the checkout', () => {
  it('is ignored by git add', async () => {
    const folder = join(root, 'docs')
    const documents = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.md'))
    const texts = await Promise.all(documents.map((name) => readFile(join(folder, name), 'utf8')))
    const typed = texts.flatMap((text) => readRunbook(text).blocks).filter(({ language }) => language === 'console')
    // Without quoted parts, which are written in a pod.
    const written = typed.flatMap(({ text }) =>
      [...text.replaceAll(/'[^']*'/g, '').matchAll(/[^-<0-9]> ?([a-z][^\s)'"$]*)/g)].map(([, file]) => file!),
    )
    expect(written).toContain('kafka-identity.yaml')
    const ignored = await run('git', ['check-ignore', '--no-index', ...new Set(written)], { cwd: root })
    expect(ignored.stdout.trim().split('\n').sort()).toEqual([...new Set(written)].sort())
  })
})

describe.skipIf('missing' in helm)('what the runbook names', () => {
  let objects: readonly KubernetesObject[]
  /** `Kind name` of everything there is, also of what is made inside the cluster. */
  let there: Set<string>
  let labelsThere: readonly Readonly<Record<string, string>>[]

  beforeAll(async () => {
    const rendered = await renderChart({
      helm: 'value' in helm ? helm.value : '',
      values: { environment: 'production', kafka: { replicaCount: 5 } },
    })
    objects = rendered.objects
    const pods = podsOf(objects)
    const credentials = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'kafka-credentials')!
    const claims = pods
      .filter(({ owner }) => owner.kind === 'StatefulSet')
      .flatMap(({ name, owner }) =>
        owner.spec.volumeClaimTemplates.map(
          (one: KubernetesObject) => `PersistentVolumeClaim ${one.metadata.name}-${name}`,
        ),
      )
    there = new Set([
      ...objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ...pods.map(({ name }) => `Pod ${name}`),
      ...claims,
      // What the Job kafka-credentials may look after is what it makes.
      ...credentials.rules.flatMap(
        ({ resources, resourceNames = [] }: { resources: string[]; resourceNames?: string[] }) =>
          resources.flatMap((resource) => resourceNames.map((name) => `${kinds[resource]} ${name}`)),
      ),
      // What the runbook itself has made before.
      ...kubectl
        .filter(({ words }) => words.includes('create') && words.includes('job'))
        .map(({ words }) => `Job ${words[words.indexOf('job') + 1]}`),
    ])
    labelsThere = [
      ...objects.map(({ metadata }) => metadata.labels ?? {}),
      ...objects.map((object) => podTemplate(object)?.metadata?.labels ?? {}),
      ...ofKind(objects, 'StatefulSet').flatMap(({ spec }) =>
        spec.volumeClaimTemplates.map((one: KubernetesObject) => one.metadata.labels ?? {}),
      ),
    ]
  })

  it('has commands to check', () => {
    expect(kubectl.length).toBeGreaterThan(50)
    expect(instead.length).toBeGreaterThan(10)
    expect(commands.filter(({ words }) => words[0] === 'helm').length).toBeGreaterThan(5)
  })

  it('is in the namespaces of the release and of its clients', () => {
    const namespaces = commands.flatMap(({ at, words }) =>
      option(outside(words), '-n', '--namespace').map((name) => ({ at, name })),
    )
    const [policy] = ofKind(objects, 'NetworkPolicy').filter(({ metadata }) => metadata.name === 'kafka')
    expect(JSON.stringify(policy)).toContain('"selfmonitor"')
    expect(namespaces.filter(({ name }) => name !== 'kafka' && name !== 'selfmonitor')).toEqual([])
    // Without one, kubectl looks in whatever namespace it looked in last.
    const needNone = /^(get storageclass|apply -f|drain|uncordon)/
    const forgotten = kubectl.filter(
      ({ words }) =>
        option(outside(words), '-n', '--namespace').length === 0 && !needNone.test(words.slice(1).join(' ')),
    )
    expect(forgotten).toEqual([])
  })

  it('are objects that exist', () => {
    const missing = kubectl.flatMap(({ at, words }) =>
      namedIn(words)
        .filter((name) => !there.has(name))
        .map((name) => `${at}: there is no ${name}`),
    )
    expect(missing).toEqual([])
    expect(new Set(kubectl.flatMap(({ words }) => namedIn(words))).size).toBeGreaterThan(15)
  })

  it('are labels that something has', () => {
    const missing = kubectl.flatMap(({ at, words }) =>
      option(outside(words), '-l', '--selector')
        .filter((selector) => {
          const wanted = selector.split(',').map((one) => one.split('='))
          return !labelsThere.some((labels) => wanted.every(([key, value]) => labels[key!] === value))
        })
        .map((selector) => `${at}: nothing has ${selector}`),
    )
    expect(missing).toEqual([])
  })

  it('are containers that the pod has', () => {
    const missing = kubectl.flatMap(({ at, words }) => {
      const [pod] = namedIn(words).filter((name) => name.startsWith('Pod '))
      const spec = podsOf(objects).find(({ name }) => `Pod ${name}` === pod)?.spec
      return option(outside(words), '-c', '--container')
        .filter((container) => !spec || !containersOf(spec).some((one) => one.spec.name === container))
        .map((container) => `${at}: ${pod} has no container ${container}`)
    })
    expect(missing).toEqual([])
  })

  it('are files that the pods have, and tools that the images have', () => {
    const scripts = ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === 'kafka-scripts')!
    const init: string = scripts.data['kafka-init.sh']
    const controllers = podsOf(objects).some(({ name }) => name === 'kafka-controller-0')
    expect(controllers).toBe(true)
    const problems = kubectl.flatMap(({ at, words }) =>
      inside(words)
        .join(' ')
        .split(/[\s;>]+/)
        .flatMap((word) => {
          const script = /^\/opt\/selfmonitor\/bin\/(.+)$/.exec(word)
          if (script) return scripts.data[script[1]!] ? [] : [`${at}: there is no ${word}`]
          const file = /^\/run\/kafka\/(.+)$/.exec(word)
          // The pod has it from its start, or the command writes it itself.
          const written =
            file && (init.includes(file[1]!.replace('.properties', '')) || inside(words).join(' ').includes(`>${word}`))
          if (file) return written ? [] : [`${at}: nothing writes ${word}`]
          return []
        }),
    )
    expect(problems).toEqual([])
  })

  it('are values of the chart', () => {
    const values = parse(readFileSync(join(chartFolder, 'values.yaml'), 'utf8'))
    const known = (path: string) =>
      path
        .split('.')
        .reduce((at, key) => (at !== null && typeof at === 'object' && key in at ? at[key] : undefined), values)
    const set = commands.flatMap(({ words }) => (words[0] === 'helm' ? option(words, '--set') : []))
    const inText = [...runbook.text.matchAll(/`((?:kafka|controller|security|credentials|setup)\.[a-zA-Z.]+)[`:]/g)]
    const paths = [...set.map((one) => one.split('=')[0]!), ...inText.map(([, path]) => path!)]
    expect(paths.length).toBeGreaterThan(15)
    const notValues = new Set(['kafka.authorizer.logger'])
    expect(paths.filter((path) => known(path) === undefined && !notValues.has(path))).toEqual([])
  })

  it('installs the release and the files that there are', () => {
    const problems = commands.flatMap(({ at, words }) => [
      ...(words[0] === 'helm' && !words.includes('kafka-cluster') ? [`${at}: not the release kafka-cluster`] : []),
      ...words
        .filter((word) => word.startsWith('infra/') && !existsSync(join(root, word)))
        .map((word) => `${at}: there is no ${word}`),
    ])
    expect(problems).toEqual([])
  })
})

describe('the runbook', () => {
  it('quotes messages that the scripts of the pods print', async () => {
    const folder = join(chartFolder, 'files/bin')
    const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')))
    const section = runbook.text.split('\n## A pod does not start\n')[1]!.split('\n## ')[0]!
    const quoted = [...section.matchAll(/^\| (`.+?`(?:, `.+?`)*) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`(.+?)`/g)].map(([, message]) => message!),
    )
    expect(quoted.length).toBeGreaterThan(5)
    // Placeholders for names and numbers are left out on both sides; "Waiting for" is put before each by wait_for_file.
    const lines = texts.join('\n')
    const found = (message: string) =>
      message
        .replace('Waiting for ', '')
        .split('…')
        .every((part) => lines.includes(part.trim().replace(/[,:]$/, '')))
    expect(quoted.filter((message) => !found(message))).toEqual([])
  })

  it('has headings and files for all of its links', () => {
    const anchors = new Set(
      runbook.headings.map((heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replace(/\s/g, '-'),
      ),
    )
    const prose = runbook.text.replace(/^ *```[^\n]*\n[\s\S]*?^ *```$/gm, '')
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
    const broken = links.filter((link) =>
      link.startsWith('#')
        ? !anchors.has(link.slice(1))
        : !existsSync(resolve(dirname(runbookFile), link.split('#')[0]!)),
    )
    expect(broken).toEqual([])
    expect(links.length).toBeGreaterThan(30)
  })

  it('gives every block a language', () => {
    const languages = new Set(['bash', 'console', 'text'])
    expect(runbook.blocks.filter(({ language }) => !languages.has(language)).map(({ line }) => line)).toEqual([])
  })

  it('has no placeholders in commands that tests run unchanged', () => {
    const blanks = runbook.blocks
      .filter(({ language }) => language === 'bash')
      .filter(({ text }) => /<[a-z][a-z -]*>|…|\bTODO\b|\bXXX\b/.test(text))
    expect(blanks.map(({ line }) => line)).toEqual([])
  })
})

/** `Kind name` of each object that a kubectl command names. */
function namedIn(all: readonly string[]): string[] {
  const words = outside(all)
  const names: string[] = []
  for (const from of option(words, '--from')) names.push(...slashed(from))
  const plain = words.slice(1).filter((word, index) => {
    const before = words[index]!
    return (
      !word.startsWith('-') &&
      !['-n', '--namespace', '-l', '--selector', '-c', '-o', '-p', '-f', '--tail'].includes(before)
    )
  })
  const [verb, ...rest] = plain
  const isFile = rest.indexOf('>')
  const targets = isFile === -1 ? rest : rest.slice(0, isFile)
  switch (verb) {
    case 'exec':
      names.push(...(targets[0]!.includes('/') ? slashed(targets[0]!) : [`Pod ${targets[0]}`]))
      break
    case 'logs':
      names.push(...targets.slice(0, 1).flatMap((word) => (word.includes('/') ? slashed(word) : [`Pod ${word}`])))
      break
    case 'get':
    case 'describe':
    case 'delete':
    case 'patch':
    case 'scale':
    case 'wait':
    case 'rollout': {
      const [kind, ...following] = verb === 'rollout' ? targets.slice(1) : targets
      if (!kind) break
      if (kind.includes('/')) names.push(...slashed(kind))
      else {
        for (const one of kind.split(',')) if (!kinds[one]) names.push(`kind ${one}`)
        names.push(...following.map((name) => `${kinds[kind]} ${name}`))
      }
      break
    }
    case 'port-forward':
      names.push(...slashed(targets[0]!))
      break
    case 'apply':
    case 'create':
    // Nodes cannot be looked up.
    case 'drain':
    case 'uncordon':
      break
    default:
      names.push(`command kubectl ${verb}`)
  }
  // $pod of a loop has names that are checked where they are listed.
  return names.filter((name) => !name.includes('$'))
}

function slashed(word: string): string[] {
  const [kind, name] = word.split('/')
  return [`${kinds[kind!] ?? kind} ${name}`]
}
