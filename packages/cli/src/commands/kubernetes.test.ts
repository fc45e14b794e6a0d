// The command as the chart's pods run it: a mounted ServiceAccount, a spec file, variables, exit codes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type ApiServer,
  type ApiServerOptions,
  startApiServer,
} from '../../../kubernetes/src/test-support/api-server.ts'
import {
  clusterRole,
  credentialsRules,
  exampleSpec,
  namespace,
  role,
} from '../../../kubernetes/src/test-support/contract.ts'
import { type RunResult, selfmonitor } from '../test-io.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

// As the chart renders it.
const spec = {
  namespace,
  clusterDomain: 'cluster.local',
  tls: {
    ...{ mode: 'chart', caSecret: 'kafka-ca', caConfigMap: 'kafka-ca-bundle' },
    ...{ validity: '8760h', caValidity: '87600h', renewBefore: '720h' },
    certificates: exampleSpec().tls.certificates,
  },
  identity: { configMap: 'kafka-identity', controllers: 9 },
  accounts: exampleSpec().accounts,
  bootstrapServers: 'kafka-service.kafka.svc.cluster.local:9092',
  labels: { 'app.kubernetes.io/name': 'selfmonitor-kafka' },
  security: true,
}

async function pod(options: ApiServerOptions = {}): Promise<{
  server: ApiServer
  folder: string
  run(words: readonly string[], env?: Record<string, string>): Promise<RunResult>
}> {
  const server = await startApiServer({
    ...options,
    objects: [...role('job', credentialsRules(exampleSpec())), ...(options.objects ?? [])],
  })
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-pod-'))
  opened.push(server, { close: () => rmSync(folder, { recursive: true, force: true }) })
  server.writeServiceAccount(folder, namespace, 'job')
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec))
  const variables = { KUBERNETES_SERVICE_HOST: server.host, KUBERNETES_SERVICE_PORT: String(server.port) }
  return {
    server,
    folder,
    run: (words, env = {}) =>
      selfmonitor(['kubernetes', ...words, ...(words[0] === 'stores' ? [] : ['--service-account', folder])], {
        env: { ...variables, ...env },
        cwd: folder,
      }),
  }
}

describe('kubernetes credentials', () => {
  it('says what it has made and how many, and on a second run that all was kept', async () => {
    const { run, folder } = await pod()
    const first = await run(['credentials', '--spec', join(folder, 'spec.json')])
    expect(first).toMatchObject({ code: 0, stdout: '7 created, 0 renewed, 0 updated, 0 kept in namespace kafka\n' })
    expect(first.stderr).toContain('created Secret kafka-broker-tls (certificate of kafka-broker, valid until')
    const second = await run(['credentials', '--spec', join(folder, 'spec.json'), '-o', 'json'])
    expect(JSON.parse(second.stdout)).toMatchObject({ created: [], renewed: [], updated: [], warnings: [] })
    expect(second.stderr).toContain('kept Secret kafka-user-admin\n')
  })

  it('ends with 4 and the rule to add where a right is missing, and says nothing of Kafka', async () => {
    const { run, folder, server } = await pod()
    server.remove('RoleBinding', 'job', namespace)
    const result = await run(['credentials', '--spec', join(folder, 'spec.json')])
    expect(result.code).toBe(4)
    expect(result.stderr).toMatch(/^error system:serviceaccount:kafka:job may not get (secrets|configmaps) "/)
    expect(result.stderr).toContain('Its Role needs the rule {apiGroups: [""]')
    expect(result.stderr).not.toContain('selfmonitor up')
  })

  it('ends with 2 for a spec that is wrong or not there', async () => {
    const { run, folder } = await pod()
    writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ ...spec, bootstrapServers: 'kafka' }))
    const wrong = await run(['credentials', '--spec', join(folder, 'wrong.json')])
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bootstrapServers is "kafka": set host:port'),
    })
    expect((await run(['credentials', '--spec', join(folder, 'none.json')])).code).toBe(2)
    expect((await run(['credentials'])).code).toBe(2)
  })

  it('ends with 1 for a Secret that is wrong, and changes nothing', async () => {
    const empty = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kafka-user-admin', namespace } }
    const { run, folder, server } = await pod({ objects: [empty] })
    const result = await run(['credentials', '--spec', join(folder, 'spec.json')])
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('it has no key "password"') })
    expect(server.objects('ConfigMap')).toEqual([])
  })

  it('ends with 1 outside of a cluster, saying which variable is missing', async () => {
    const { run, folder } = await pod()
    const result = await run(['credentials', '--spec', join(folder, 'spec.json')], { KUBERNETES_SERVICE_HOST: '' })
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('KUBERNETES_SERVICE_HOST') })
  })
})

describe('kubernetes stores', () => {
  it('writes them, and ends with 1 and the file that is wrong, with 2 when it is not told where to', async () => {
    const { run, folder, server } = await pod()
    writeFileSync(join(folder, 'trust.crt'), server.ca)
    const made = await run(['stores', '--trust', join(folder, 'trust.crt'), '--out', folder])
    expect(made).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`wrote ${join(folder, 'truststore.p12')}\n`),
    })
    const wrong = await run(['stores', '--trust', join(folder, 'none.crt'), '--out', folder])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('none.crt: cannot be read (ENOENT)') })
    expect((await run(['stores', '--out', folder])).code).toBe(2)
  })
})

describe('kubernetes discover', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'eu-1a' } },
    ...{ status: { addresses: [{ type: 'InternalIP', address: '10.0.0.5' }] } },
  }
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kafka-external-1', namespace },
    ...{ spec: { type: 'NodePort', ports: [{ name: 'external', port: 9094, nodePort: 31_001 }] } },
  }
  const rights = [
    ...clusterRole('job', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]),
    ...role('broker', [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }]),
  ]
  const env = { NODE_NAME: 'n1', POD_NAME: 'kafka-1', POD_NAMESPACE: namespace }

  it('writes the facts of this pod', async () => {
    const { run, folder, server } = await pod({ objects: [node, service, ...rights] })
    server.writeServiceAccount(folder, namespace, 'job')
    const out = join(folder, 'facts')
    expect(await run(['discover', '--out', out, '--rack'], env)).toMatchObject({ code: 0, stdout: '' })
    expect(readFileSync(out, 'utf8')).toBe('rack=eu-1a\n')
    const external = ['--external-service', 'kafka-external-{ordinal}', '--external-type', 'NodePort']
    const refused = await run(['discover', '--out', out, '--rack', ...external], env)
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('may not get services "kafka-external-1"'),
    })
    // The file of the last success is still whole.
    expect(readFileSync(out, 'utf8')).toBe('rack=eu-1a\n')
    const [, binding] = role('broker', [])
    server.put({ ...binding!, ...{ subjects: [{ kind: 'ServiceAccount', name: 'job', namespace }] } })
    expect((await run(['discover', '--out', out, '--rack', ...external], env)).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toBe('rack=eu-1a\nexternal.host=10.0.0.5\nexternal.port=31001\n')
  })

  it('needs at least one fact to discover, and a file to write', async () => {
    const { run } = await pod()
    expect((await run(['discover', '--rack'])).code).toBe(2)
    expect((await run(['discover', '--out', '/dev/null'])).code).toBe(2)
    expect(
      (await run(['discover', '--out', '/dev/null', '--external-service', 'a', '--external-type', 'Ingress'])).code,
    ).toBe(2)
  })
})

describe('kubernetes mark-formed', () => {
  it('marks the identity once', async () => {
    const identity = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kafka-identity', namespace },
      ...{ data: { 'cluster-id': 'x' } },
    }
    const { run, server } = await pod({ objects: [identity] })
    expect(await run(['mark-formed'])).toMatchObject({ code: 0, stderr: 'ConfigMap kafka-identity: formed\n' })
    expect(server.object('ConfigMap', 'kafka-identity', namespace)).toMatchObject({ data: { formed: 'true' } })
    expect((await run(['mark-formed'])).stderr).toBe('ConfigMap kafka-identity was marked as formed before\n')
  })
})
