// The chart's CronJob for backups: into a bucket and into a volume, by the schemas of Kubernetes and by our rules.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadPlatform } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { kubernetesVersions, loadKubernetesSchemas, type ValidateObject } from './kubernetes-schemas.ts'
import { type Json, nameOf, ofKind } from './objects.ts'
import { renderChart } from './render.ts'
import { type RuleName, rules } from './rules/index.ts'

const tools = await orMissing(async () => ({ helm: await fetchHelm('4'), validate: await loadKubernetesSchemas() }))
const { helm, validate } = 'value' in tools ? tools.value : { helm: '', validate: (() => []) as ValidateObject }

const recipient = `age1${'q'.repeat(58)}`
const bucket: Json = {
  enabled: true,
  target: 's3://kafka-backups/production',
  s3: { endpoint: 'https://s3.example.com', region: 'eu-central-1', credentialsSecret: 'backups', caSecret: 's3-ca' },
  recipients: [recipient],
  egress: [{ cidr: '192.0.2.0/24', ports: [443] }],
}
const shapes = [
  { title: 'a bucket', values: { backup: bucket }, supplied: ['Secret backups', 'Secret s3-ca'] },
  { title: 'a volume', values: { environment: 'staging', backup: { enabled: true } }, supplied: [] },
  {
    title: 'a volume that exists, without accounts, registry and other components',
    values: {
      environment: 'staging',
      backup: { enabled: true, persistence: { existingClaim: 'mine' } },
      security: { enabled: false, acceptInsecure: true },
      schemaRegistry: { enabled: false },
      connect: { enabled: false },
      ksqldb: { enabled: false },
      ui: { kind: 'none' },
    },
    supplied: ['PersistentVolumeClaim mine'],
  },
]
const render = async (values: Json) => (await renderChart({ helm, values })).objects
type Container = { command: string[]; env: { name: string; value?: string }[]; volumeMounts: { mountPath: string }[] }
const containerOf = async (values: Json): Promise<Container> => {
  const job = ofKind(await render(values), 'CronJob').find(({ metadata }) => metadata.name === 'kafka-backup')!
  return (job as Json).spec.jobTemplate.spec.template.spec.containers[0]
}

describe.skipIf('missing' in tools)('backups in the chart', () => {
  it('are off by default', async () => {
    expect((await render({})).map(nameOf).filter((name) => name.includes('backup'))).toEqual([])
  })

  it.each(shapes)('into $title are what the schemas accept, and hold every rule', async ({ values, supplied }) => {
    const objects = await render(values)
    for (const version of kubernetesVersions) {
      expect(objects.flatMap((object) => validate(version, object).map((why) => `${nameOf(object)} ${why}`))).toEqual(
        [],
      )
    }
    for (const name of Object.keys(rules) as RuleName[]) {
      expect([name, ...rules[name](objects, { supplied })]).toEqual([name])
    }
  })

  it('take what is due, encrypted, with the credentials of the bucket from a Secret', async () => {
    const { command, env } = await containerOf({ environment: 'production', backup: bucket })
    expect(command).toEqual([
      'selfmonitor',
      'backup',
      'take',
      '--env=production',
      '--file=/etc/selfmonitor/platform/platform.yaml',
      '--due',
      '--recipients-file=/etc/selfmonitor/backup/recipients.txt',
    ])
    expect(Object.fromEntries(env.map(({ name, ...how }) => [name, how.value ?? how]))).toMatchObject({
      SELFMONITOR_BACKUP: 's3://kafka-backups/production',
      AWS_ENDPOINT_URL_S3: 'https://s3.example.com',
      AWS_SECRET_ACCESS_KEY: { valueFrom: { secretKeyRef: { name: 'backups', key: 'AWS_SECRET_ACCESS_KEY' } } },
      AWS_CA_BUNDLE: '/etc/selfmonitor/secrets/s3/ca.crt',
      SCHEMA_REGISTRY_URL: expect.stringContaining('schema-registry-service'),
    })
    const all = await containerOf({ environment: 'staging', backup: { enabled: true, topics: 'all' } })
    expect(all.command).not.toContain('--due')
    expect(all.env).toContainEqual({ name: 'SELFMONITOR_BACKUP', value: '/var/lib/selfmonitor/backups' })
  })

  it('have an account that reads everything and writes to their topic alone', async () => {
    const data = ofKind(await render({ backup: bucket }), 'ConfigMap').find(
      ({ metadata }) => metadata.name === 'kafka-infrastructure',
    )!.data!
    const folder = await mkdtemp(join(tmpdir(), 'chart-backup-'))
    try {
      const file = join(folder, 'infrastructure.yaml')
      await writeFile(file, data['infrastructure.yaml']!)
      const { users, topics } = await loadPlatform(file, { environment: 'production', env: {} })
      const { acls } = users!.find(({ name }) => name === 'kafka-backup')!
      expect(
        acls.map(({ resourceType, resourceName, operations }) => [resourceType, resourceName, operations]),
      ).toEqual([
        ['cluster', 'kafka-cluster', ['describe', 'describe-configs']],
        ['topic', '*', ['read', 'describe-configs']],
        ['group', '*', ['describe']],
        ['topic', '_selfmonitor-backups', ['write']],
      ])
      expect(topics.find(({ name }) => name === '_selfmonitor-backups')).toMatchObject({
        partitions: 1,
        config: { 'cleanup.policy': 'compact' },
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it.each([
    ['a bucket that no policy lets it reach', { ...bucket, egress: [] }, /backup\.egress allows no address/],
    ['a volume in production, which cannot lock the topics that platform.yaml locks', { enabled: true }, /Object Lock/],
    ['a folder', { enabled: true, target: '/backups' }, /backup[./]target/],
    ['a secret key', { ...bucket, recipients: ['AGE-SECRET-KEY-1QQQ'] }, /backup[./]recipients[./]0/],
  ])('are refused with %s', async (_, backup, message) => {
    await expect(render({ backup })).rejects.toThrow(message)
  })

  it('are refused without the setup Job, which creates their account', async () => {
    await expect(render({ backup: { enabled: true }, setup: { enabled: false } })).rejects.toThrow(
      /backup\.enabled needs setup\.enabled/,
    )
  })
})
