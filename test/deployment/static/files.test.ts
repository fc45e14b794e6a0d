// The content of the chart's ConfigMaps: scripts that bash can parse, settings without duplicates, and the very files that our
// own programs are given, read by those programs.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { parseSpec } from '@selfmonitor/kubernetes'
import { loadPlatform, type Platform } from '@selfmonitor/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Combination, combinations } from './matrix.ts'
import { type Json, type KubernetesObject, ofKind, podPerOwner } from './objects.ts'
import { mapAtOnce, type Rendered, renderChart } from './render.ts'
import { immutableFields } from './rules/names.ts'

const helm = await orMissing(() => fetchHelm('3'))

describe.skipIf('missing' in helm)('the files in ConfigMaps', () => {
  let rendered: (Rendered & { combination: Combination })[]
  let folder: string
  /** Every content that some combination renders, once: `kafka-scripts/lib.sh` and its text. */
  const contents = new Map<string, { name: string; text: string }>()

  const render = (options: { values: Json } & Partial<Combination>) =>
    renderChart({ ...options, helm: 'value' in helm ? helm.value : '' })
  const named = (pattern: RegExp) => [...contents.values()].filter(({ name }) => pattern.test(name))

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-chart-files-'))
    rendered = await mapAtOnce(2, combinations, async (combination) => ({
      combination,
      ...(await render(combination)),
    }))
    for (const { objects } of rendered)
      for (const { metadata, data } of ofKind(objects, 'ConfigMap'))
        for (const [key, text] of Object.entries<string>(data ?? {}))
          contents.set(`${key} ${text}`, { name: `${metadata.name}/${key}`, text })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('are scripts that bash can read, each with its interpreter in the first line', async () => {
    const scripts = named(/\.sh$/)
    expect(scripts.length).toBeGreaterThan(5)
    for (const { name, text } of scripts) {
      expect(text, name).toMatch(/^#!(\/usr\/bin\/env bash|\/bin\/bash|\/bin\/sh)\n|^# /)
      expect(text, name).not.toContain('\r')
      const read = await run('bash', ['-n'], { stdin: text })
      expect(read, name).toMatchObject({ exitCode: 0, stderr: '' })
    }
  })

  it('are properties without duplicate keys and without empty values', () => {
    const files = named(/\.properties$/)
    expect(files.length).toBeGreaterThan(5)
    for (const { name, text } of files) {
      const lines = text.split('\n').filter((line) => line.trim() && !line.startsWith('#'))
      for (const line of lines) expect(line, name).toMatch(/^\w[\w.-]*=\S/)
      const keys = lines.map((line) => line.slice(0, line.indexOf('=')))
      expect(
        keys.filter((key, index) => keys.indexOf(key) !== index),
        name,
      ).toEqual([])
    }
  })

  it('are JSON and YAML that can be parsed', () => {
    for (const { name, text } of named(/\.(json|avsc)$/)) expect(() => JSON.parse(text), name).not.toThrow()
    for (const { name, text } of named(/\.ya?ml$/))
      expect(parseDocument(text, { uniqueKeys: true }).errors, name).toEqual([])
  })

  it('contain no leftovers of a broken template', () => {
    const leftover = /<no value>|<nil>|%!\w?\(|\bmap\[\w+:/
    for (const { combination, yaml } of rendered)
      expect(
        yaml.split('\n').filter((line) => leftover.test(line)),
        combination.title,
      ).toEqual([])
  })

  it('have a specification that the credentials Job accepts, with a certificate for every name that brokers give out', () => {
    for (const { combination, objects } of rendered) {
      const [map, ...more] = ofKind(objects, 'ConfigMap').filter(({ data }) => data?.['spec.json'])
      expect(more, combination.title).toEqual([])
      const spec = parseSpec(map!.data['spec.json'], 'spec.json')
      const secured = combination.levels.security === 'on'
      expect(spec.security, combination.title).toBe(secured)
      expect(spec.tls.mode, combination.title).toBe(secured ? combination.levels.tls : 'none')
      if (!secured || spec.tls.mode !== 'chart') continue
      const names = spec.tls.certificates.flatMap(({ dnsNames }) => dnsNames)
      for (const host of advertisedHosts(objects))
        expect(
          names.some((name) => covers(name, host)),
          `${combination.title}: ${host} in ${names}`,
        ).toBe(true)
    }
  })

  it('have topics, accounts and ACLs that the setup Job can load', async () => {
    const loaded = new Map<string, Platform>()
    for (const { combination, objects } of rendered) {
      if (combination.levels.setup === 'no platform') continue
      const environment = combination.levels.environment!
      const job = podPerOwner(objects).find(
        ({ owner }) => owner.kind === 'Job' && owner.metadata.name.startsWith('kafka-setup'),
      )!
      const root = await mkdtemp(join(folder, 'setup-'))
      await writeMounts(root, job.spec, objects)
      for (const file of ['platform.yaml', 'infrastructure.yaml']) {
        const path = join(root, 'etc/selfmonitor/platform', file)
        loaded.set(`${file} ${combination.title}`, await loadPlatform(path, { environment, env: {} }))
      }
    }
    for (const [name, { topics }] of loaded)
      if (name.startsWith('platform.yaml')) expect(topics.length, name).toBeGreaterThan(10)
      else
        expect(
          topics.some((topic) => topic.name === '_schemas'),
          name,
        ).toBe(name.includes('components all'))
  })

  it('change the name of the Job that reads them: no two of one name differ', () => {
    const jobs = new Map<string, string>()
    for (const { combination, objects } of rendered) {
      const setupJobs = ofKind(objects, 'Job')
      for (const [name, template] of immutableFields(setupJobs)) {
        expect(jobs.get(name) ?? template, `${combination.title}: ${name}`).toBe(template)
        jobs.set(name, template)
      }
    }
    expect(jobs.size).toBeGreaterThan(2)
  })

  it.each<[string, Json, string[]]>([
    ['a broker setting', { kafka: { config: { 'num.io.threads': 9 } } }, ['StatefulSet kafka']],
    [
      'a controller setting',
      { controller: { config: { 'metadata.log.segment.ms': 60000 } } },
      ['StatefulSet kafka-controller'],
    ],
    [
      'a registry setting',
      { schemaRegistry: { config: { 'schema.compatibility.level': 'full' } } },
      ['Deployment schema-registry'],
    ],
    ['a setting of the UI', { ui: { config: { auth: { type: 'DISABLED' } } } }, ['Deployment kafka-ui']],
  ])('restart exactly whom they concern when %s changes', async (_, values, expected) => {
    const pods = (objects: readonly KubernetesObject[]) =>
      new Map(
        podPerOwner(objects)
          .filter(({ owner }) => ['StatefulSet', 'Deployment'].includes(owner.kind))
          .map(({ owner }) => [`${owner.kind} ${owner.metadata.name}`, JSON.stringify(owner.spec.template)]),
      )
    const before = pods((await render({ values: {} })).objects)
    const after = pods((await render({ values })).objects)
    expect([...after].filter(([name, template]) => before.get(name) !== template).map(([name]) => name)).toEqual(
      expected,
    )
  })
})

/** Host names that brokers and controllers give to others, for ordinal 0. */
function advertisedHosts(objects: readonly KubernetesObject[]): string[] {
  const files = ofKind(objects, 'ConfigMap').flatMap(({ data }) => Object.entries<string>(data ?? {}))
  return (
    files
      .filter(([key]) => key.endsWith('.properties'))
      .flatMap(([key, text]) => {
        const addresses = /^advertised\.listeners=(.*)$/m.exec(text)?.[1]?.split(',') ?? []
        const pod = key.startsWith('controller') ? 'kafka-controller-0' : 'kafka-0'
        return addresses.map((address) =>
          address
            .replace(/^[A-Z]+:\/\//, '')
            .replace(/:[^:]*$/, '')
            .replaceAll('@@pod@@', pod),
        )
      })
      // An address outside is found out in the pod.
      .filter((host) => !host.includes('@@'))
  )
}

/** RFC 6125: a wildcard matches one label, the first. */
const covers = (pattern: string, host: string) =>
  pattern === host || (pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1))

/** Puts the ConfigMaps that a pod's first container mounts under `root`, at their paths. */
async function writeMounts(root: string, pod: Json, objects: readonly KubernetesObject[]): Promise<void> {
  const maps = new Map(ofKind(objects, 'ConfigMap').map((map) => [map.metadata.name, map]))
  for (const mount of pod.containers[0].volumeMounts) {
    const volume = pod.volumes.find(({ name }: Json) => name === mount.name)
    const sources = volume.projected?.sources ?? [volume]
    for (const { configMap } of sources) {
      const data = configMap && maps.get(configMap.name)?.data
      if (!data) continue
      const items = configMap.items ?? Object.keys(data).map((key) => ({ key, path: key }))
      for (const { key, path } of items) {
        const file = join(root, mount.mountPath, path)
        await mkdir(dirname(file), { recursive: true })
        await writeFile(file, data[key])
      }
    }
  }
}
