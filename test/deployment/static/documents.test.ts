// Checks the files that the documents use: scripts, a connector, files of values. The scripts run here with a kubectl that runs on this
// machine the commands that are meant for a pod.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { commandsOf, readRunbook } from '../runbook.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { ofKind } from './objects.ts'
import { chartFolder, renderChart } from './render.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const scripts = join(root, 'infra/k8s/kafka/scripts')
const helm = await orMissing(() => fetchHelm('4'))

const names = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'))
const documents = await Promise.all(
  [...names.map((name) => join('docs', name)), 'README.md', 'infra/kafka/README.md'].map(async (name) => ({
    name,
    blocks: readRunbook(await readFile(join(root, name), 'utf8')).blocks,
  })),
)
const typed = documents.flatMap(({ name, blocks }) =>
  commandsOf(blocks.filter(({ language }) => language === 'console' || language === 'sh')).map((command) => ({
    name,
    ...command,
  })),
)

describe('the documents', () => {
  it('upgrade with a file of values, and never with the old chart’s defaults', () => {
    const upgrades = typed.filter(({ words }) => words[0] === 'helm' && words[1] === 'upgrade')
    expect(upgrades.length).toBeGreaterThan(10)
    const wrong = upgrades.filter(
      ({ words }) => words.includes('--reuse-values') || (words.includes('--set') && !words.includes('--values')),
    )
    expect(wrong).toEqual([])
  })

  it('call scripts that are there, can be run, and that bash can read', async () => {
    const called = new Set(
      typed.flatMap(({ words }) => words.filter((word) => word.startsWith('infra/k8s/kafka/scripts/'))),
    )
    const there = await readdir(scripts)
    expect([...called].sort()).toEqual(there.map((name) => `infra/k8s/kafka/scripts/${name}`).sort())
    for (const name of there) {
      expect((await stat(join(scripts, name))).mode & 0o111, name).not.toBe(0)
      expect(await run('bash', ['-n', join(scripts, name)])).toMatchObject({ exitCode: 0, stderr: '' })
    }
  })

  it('have no program of more than a few commands in one line', () => {
    const long = typed.flatMap(({ name, at, words }) =>
      words.filter((word) => word.includes(' ') && word.split(/;|&&/).length > 4).map(() => `${name} ${at}`),
    )
    expect(long).toEqual([])
  })
})

describe('set-password.sh', () => {
  let folder: string
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-documents-'))
    await mkdir(join(folder, 'run'))
    const programs = {
      // The words of `get secret` choose the value; `exec` runs what is behind `--`, with the pod's folder taken for the test's.
      kubectl: `#!/bin/bash
echo "kubectl $*" >>${folder}/processes
case "$*" in
  *'secret kafka-user-nobody '*) echo 'Error from server (NotFound): secrets "kafka-user-nobody" not found' >&2; exit 1 ;;
  *'secret kafka-user-empty '*) ;;
  *'secret kafka-user-admin -o jsonpath={.data.client\\.properties}') printf %s ${base64('sasl.jaas.config=admin\n')} ;;
  *' get secret '*) printf %s ${base64('pass "word" of it')} ;;
  *)
    while [[ $1 != -- ]]; do shift; done
    shift
    exec "\${@//\\/run\\/kafka/${folder.replaceAll('/', '\\/')}\\/run}"
    ;;
esac
`,
      'kafka-configs': `#!/bin/bash
echo "kafka-configs $*" >>${folder}/processes
while (($# > 0)); do
  case $1 in
    --command-config) if [[ $2 == */set-password.* ]]; then printf 'login: %s\\n' "$(<"$2")"; else printf 'login: %s\\n' "\${2##*/}"; fi ;;
    --entity-name) printf 'account: %s\\n' "$2" ;;
    --add-config-file) printf 'told: %s\\n' "$(<"$2")"; stat -c 'mode: %a' "$2" ;;
  esac
  shift
done
exit \${CONFIGS_EXIT:-0}
`,
    }
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(join(folder, name), text)
      await chmod(join(folder, name), 0o755)
    }
  })
  afterEach(() => rm(folder, { recursive: true }))

  const setPassword = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(join(scripts, 'set-password.sh'), args, { env: { PATH: `${folder}:${process.env.PATH}`, ...env } })

  it('sets the password from the Secret, logged in as the broker, through a private file that it deletes', async () => {
    const { exitCode, stdout, stderr } = await setPassword(['admin'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe(
      'login: client.properties\naccount: admin\ntold: SCRAM-SHA-512=iterations=8192,password=pass "word" of it\nmode: 600\n',
    )
    expect(await readdir(join(folder, 'run'))).toEqual([])
    const processes = await readFile(join(folder, 'processes'), 'utf8')
    expect(processes).toContain('kubectl -n kafka exec -i kafka-0 -- bash -c')
    expect(processes).not.toContain('pass "word"')
    expect(processes).not.toContain(base64('pass "word" of it'))
  })

  it('logs in as admin with --as-admin', async () => {
    const { exitCode, stdout } = await setPassword(['kafka-broker', '--as-admin'], {
      NAMESPACE: 'other',
      POD: 'kafka-1',
    })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('login: sasl.jaas.config=admin\naccount: kafka-broker\n')
    expect(await readdir(join(folder, 'run'))).toEqual([])
    expect(await readFile(join(folder, 'processes'), 'utf8')).toContain('kubectl -n other exec -i kafka-1 -- bash -c')
  })

  it('fails when Kafka rejects the password, and leaves no file behind', async () => {
    expect((await setPassword(['admin'], { CONFIGS_EXIT: '1' })).exitCode).toBe(1)
    expect(await readdir(join(folder, 'run'))).toEqual([])
  })

  it.each([
    [[], 2, 'Usage: set-password.sh ACCOUNT [--as-admin]'],
    [['admin', '--as-root'], 2, 'Usage'],
    [['Admin;id'], 2, 'Usage'],
    [['nobody'], 1, 'NotFound'],
    [['empty'], 1, 'Secret kafka-user-empty has no password'],
  ])('refuses %j with exit code %i', async (args, code, said) => {
    const { exitCode, stderr } = await setPassword(args)
    expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: expect.stringContaining(said) })
    expect(await readFile(join(folder, 'processes'), 'utf8').catch(() => '')).not.toContain(' exec ')
  })
})

describe.skipIf('missing' in helm)('the guide on installation', () => {
  const render = (values: object) => renderChart({ helm: 'value' in helm ? helm.value : '', values: values as never })
  const files = documents
    .flatMap(({ name, blocks }) => blocks.map((block) => ({ name, ...block })))
    .filter(({ language, text }) => language === 'yaml' && text.startsWith('# my-values.yaml'))

  it.each(files)('has values in line $line of $name that the chart takes', async ({ text }) => {
    expect(ofKind((await render(parse(text))).objects, 'StatefulSet').length).toBeGreaterThan(0)
  })

  it('has a connector that finds its topics, its Secret, its registry', async () => {
    const connector = JSON.parse(await readFile(join(root, 'infra/k8s/kafka/connectors/archive.json'), 'utf8'))
    const values = parse(await readFile(join(chartFolder, 'values.yaml'), 'utf8'))
    const readable = values.connect.access.read.map(({ topic }: { topic: string }) => topic)
    expect(readable).toEqual(expect.arrayContaining(connector.topics.split(',')))

    const { text } = files.find(({ text }) => text.includes('connect:'))!
    const { objects } = await render(parse(text))
    const connect = ofKind(objects, 'Deployment').find(({ metadata }) => metadata.name === 'kafka-connect')!
    const mounts = connect.spec.template.spec.containers[0].volumeMounts.map(
      (one: { mountPath: string }) => one.mountPath,
    )
    const secret = typed.find(({ words }) => words.includes('generic') && words.includes('archive-s3'))!
    const keys = secret.words.filter((word) => word.startsWith('--from-file=')).map((word) => word.split('=')[1])
    const references = [...JSON.stringify(connector).matchAll(/\$\{directory:([^:}]+):([^}]+)\}/g)]
    expect(references.length).toBe(2)
    for (const [, mount, key] of references) {
      expect(mounts).toContain(mount)
      expect(keys).toContain(key)
    }
    const { hostname, port } = new URL(connector['value.converter.schema.registry.url'])
    const service = ofKind(objects, 'Service').find(({ metadata }) => metadata.name === hostname)!
    expect(service.spec.ports.map((one: { port: number }) => one.port)).toContain(Number(port))
  })
})
