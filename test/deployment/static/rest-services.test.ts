// TLS and logins of Schema Registry, Connect and ksqlDB, as rendered: every name is one of the vendor's documentation
// (docs.confluent.io: HTTP basic authentication, Schema Registry and ksqlDB configuration; kafka.apache.org: Connect configuration).
import { describe, expect, it } from 'vitest'
import { parseProperties } from '../../../packages/cluster/src/java-properties.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Json, type KubernetesObject, ofKind } from './objects.ts'
import { renderChart } from './render.ts'

const tools = await orMissing(async () => ({ helm: await fetchHelm('4') }))
const render = async (values: Json = {}) =>
  (await renderChart({ helm: 'value' in tools ? tools.value.helm : '', values })).objects

const secured = { tls: { enabled: true }, login: { enabled: true } }
const grafana = { username: 'admin', secret: 'kafka-grafana-login' }
const all = { schemaRegistry: secured, connect: secured, ksqldb: secured }
const named = (objects: readonly KubernetesObject[], kind: string, name: string): Json =>
  ofKind(objects, kind).find(({ metadata }) => metadata.name === name)
const podOf = (objects: readonly KubernetesObject[], name: string): Json =>
  named(objects, 'Deployment', name).spec.template.spec
const files = {
  'schema-registry': 'schema-registry.properties',
  'kafka-connect': 'connect-distributed.properties',
  'ksqldb-server': 'ksql-server.properties',
} as const
type Name = keyof typeof files
const names = Object.keys(files) as Name[]

function settings(objects: readonly KubernetesObject[], name: Name): Record<string, string> {
  const text = named(objects, 'ConfigMap', `${name}-config`).data[files[name]]
  return Object.fromEntries([...parseProperties(text)].map(([key, { value }]) => [key, value]))
}

describe.skipIf('missing' in tools)('REST services', () => {
  it('have neither TLS nor a login by default, and no objects for them', async () => {
    const objects = await render()
    for (const name of names) {
      expect(settings(objects, name).listeners, name).toMatch(/^http:/)
      expect(settings(objects, name)['authentication.method'], name).toBeUndefined()
    }
    const spec = JSON.parse(named(objects, 'ConfigMap', 'kafka-credentials-spec').data['spec.json'])
    expect(spec.logins).toEqual([grafana])
    expect(spec.tls.certificates.map(({ secret }: Json) => secret)).toEqual([
      'kafka-broker-tls',
      'kafka-controller-tls',
    ])
  })

  it('get certificates for their names and for their replicas, and a login, from the credentials Job', async () => {
    const objects = await render(all)
    const spec = JSON.parse(named(objects, 'ConfigMap', 'kafka-credentials-spec').data['spec.json'])
    expect(spec.logins).toEqual([
      ...['schema-registry', 'kafka-connect', 'ksqldb'].map((base) => ({
        username: 'selfmonitor',
        secret: `${base}-login`,
      })),
      grafana,
    ])
    const certificate = spec.tls.certificates.find(({ secret }: Json) => secret === 'kafka-connect-tls')
    expect(certificate.dnsNames).toEqual([
      'kafka-connect-service.kafka.svc.cluster.local',
      ...['kafka-connect-service.kafka.svc', 'kafka-connect-service.kafka', 'kafka-connect-service'],
      ...['*.kafka.pod.cluster.local', 'localhost'],
    ])
    const rules = named(objects, 'Role', 'kafka-credentials').rules.flatMap(
      ({ resourceNames = [] }: Json) => resourceNames,
    )
    expect(rules).toEqual(expect.arrayContaining(['ksqldb-login', 'ksqldb-tls', 'schema-registry-login']))
  })

  it('listen with TLS, and want the login, by the names that each of them knows', async () => {
    const objects = await render(all)
    expect(settings(objects, 'schema-registry')).toMatchObject({
      listeners: 'https://0.0.0.0:8081',
      'inter.instance.protocol': 'https',
      'host.name': '@@pod-dashed@@.kafka.pod.cluster.local',
      'ssl.keystore.type': 'PKCS12',
      'sni.host.check.enabled': 'false',
      'authentication.method': 'BASIC',
      'authentication.realm': 'SchemaRegistry',
      'authentication.roles': 'user',
      'authentication.skip.paths': '/schemas/types',
      // Kafka's client has names of its own.
      'kafkastore.ssl.truststore.type': 'PEM',
    })
    expect(settings(objects, 'kafka-connect')).toMatchObject({
      listeners: 'https://0.0.0.0:8083,http://127.0.0.1:18083',
      'rest.advertised.listener': 'https',
      'rest.advertised.host.name': '@@pod-dashed@@.kafka.pod.cluster.local',
      'listeners.https.ssl.keystore.type': 'PKCS12',
      'rest.extension.classes': 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension',
      'ssl.truststore.type': 'PEM',
    })
    expect(settings(objects, 'ksqldb-server')).toMatchObject({
      listeners: 'https://0.0.0.0:8088',
      'ksql.advertised.listener': 'https://@@pod-dashed@@.kafka.pod.cluster.local:8088',
      'ssl.keystore.type': 'PKCS12',
      'authentication.method': 'BASIC',
      'authentication.realm': 'KsqlServer',
      'ksql.schema.registry.url': 'https://schema-registry-service.kafka.svc.cluster.local:8081',
      'ksql.schema.registry.basic.auth.credentials.source': 'USER_INFO',
      'ksql.schema.registry.ssl.truststore.type': 'PKCS12',
    })
  })

  it('ksqlDB, which refuses PEM by these names, gets a trust store of a type that it takes, with TLS and without', async () => {
    for (const values of [{}, all]) {
      const objects = await render(values)
      expect(settings(objects, 'ksqldb-server')).toMatchObject({
        'security.protocol': 'SASL_SSL',
        'ssl.truststore.type': 'PKCS12',
        'ssl.truststore.location': '/run/ksqldb-server/truststore.p12',
      })
      expect(podOf(objects, 'ksqldb-server').initContainers.map(({ name }: Json) => name)).toEqual([
        'jmx-agent',
        'stores',
        'configure',
      ])
    }
  })

  it.each([
    ['8.3.2', 'org.eclipse.jetty.security.jaas.spi.PropertyFileLoginModule'],
    ['7.9.11', 'org.eclipse.jetty.jaas.spi.PropertyFileLoginModule'],
  ])('with Confluent Platform %s Jetty’s login module has the name that it has there', async (tag, module) => {
    const objects = await render({ ...all, images: { schemaRegistry: { tag }, ksqldb: { tag } } })
    for (const [name, realm] of [
      ['schema-registry', 'SchemaRegistry'],
      ['ksqldb-server', 'KsqlServer'],
    ] as const) {
      expect(named(objects, 'ConfigMap', `${name}-config`).data['login.conf']).toBe(
        `${realm} {\n  ${module} required\n  file="/run/${name}/users";\n};\n`,
      )
      const { env } = podOf(objects, name).containers[0]
      expect(JSON.stringify(env)).toContain(`-Djava.security.auth.login.config=/etc/selfmonitor/${name}/login.conf`)
    }
    // Connect brings its own module, and a realm that is fixed.
    expect(named(objects, 'ConfigMap', 'kafka-connect-config').data['login.conf']).toContain(
      'KafkaConnect {\n  org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required\n',
    )
  })

  it('are probed over TLS; with a login on a path that is open, or by a script that has the login', async () => {
    const probes = async (values: Json) => {
      const objects = await render(values)
      return Object.fromEntries(
        names.map((name) => {
          const { startupProbe, readinessProbe, livenessProbe } = podOf(objects, name).containers[0]
          return [
            name,
            [startupProbe, readinessProbe, livenessProbe].map(({ httpGet, exec }) => httpGet ?? exec.command),
          ]
        }),
      )
    }
    const tls = { tls: { enabled: true } }
    // By the Service's name: Jetty 12 answers 400 to a name that is not in the certificate, as the pod's address.
    const https = (service: string) => (path: string) => ({
      ...{ path, port: 'http', scheme: 'HTTPS' },
      httpHeaders: [{ name: 'Host', value: `${service}.kafka.svc.cluster.local` }],
    })
    const [registry, connect, ksqldb] = ['schema-registry', 'kafka-connect', 'ksqldb'].map((name) =>
      https(`${name}-service`),
    )
    expect(await probes({ schemaRegistry: tls, connect: tls, ksqldb: tls })).toEqual({
      'schema-registry': ['/', '/config', '/'].map(registry!),
      'kafka-connect': ['/health', '/health', '/'].map(connect!),
      'ksqldb-server': ['/info', '/healthcheck', '/info'].map(ksqldb!),
    })
    const script = (path: string) => {
      const words = ['/bin/bash', '/opt/selfmonitor/bin/rest-probe.sh', '18083', path, '/run/kafka-connect/probe-login']
      return words
    }
    expect(await probes(all)).toEqual({
      'schema-registry': ['/schemas/types', '/schemas/types', '/schemas/types'].map(registry!),
      'kafka-connect': ['/health', '/health', '/'].map(script),
      'ksqldb-server': ['/v1/metadata/id', '/healthcheck', '/v1/metadata/id'].map(ksqldb!),
    })
  })

  it('show neither key nor password to the server’s container: it sees the CA and what the init containers wrote', async () => {
    const objects = await render({ ...all, connect: { ...secured, login: { enabled: true, usersSecret: 'people' } } })
    for (const name of names) {
      const [server] = podOf(objects, name).containers
      const mounted = server.volumeMounts.map(({ name: volume }: Json) => volume)
      expect(mounted, name).not.toEqual(expect.arrayContaining([expect.stringMatching(/tls|users|^user$/)]))
    }
    expect(podOf(objects, 'kafka-connect').volumes).toContainEqual({
      name: 'users',
      secret: { secretName: 'people', defaultMode: 0o440 },
    })
  })

  it('use your certificate, whose CA their clients then trust', async () => {
    const own = { tls: { enabled: true, secret: 'registry-by-our-ca' } }
    const objects = await render({ schemaRegistry: own })
    const spec = JSON.parse(named(objects, 'ConfigMap', 'kafka-credentials-spec').data['spec.json'])
    expect(JSON.stringify(spec)).not.toContain('registry-by-our-ca')
    const stores = (name: string) =>
      podOf(objects, name).initContainers.find((one: Json) => one.name === 'stores').command as string[]
    for (const name of ['schema-registry', 'ksqldb-server', 'kafka-ui'])
      expect(stores(name), name).toContain('--trust=/etc/selfmonitor/secrets/cas/registry-by-our-ca/ca.crt')
    const job = ofKind(objects, 'Job').find(({ metadata }) => metadata.name.startsWith('kafka-setup'))!
    expect(job.spec.template.spec.containers[0].env).toContainEqual({
      name: 'SCHEMA_REGISTRY_CA',
      valueFrom: { secretKeyRef: { name: 'registry-by-our-ca', key: 'ca.crt' } },
    })
  })

  it('are reached by the setup Job, kafka-tools and `helm test` with address, CA and login', async () => {
    const objects = await render(all)
    const job = ofKind(objects, 'Job').find(({ metadata }) => metadata.name.startsWith('kafka-setup'))!
    const pods = [
      job.spec.template.spec,
      named(objects, 'CronJob', 'kafka-tools').spec.jobTemplate.spec.template.spec,
      named(objects, 'Pod', 'kafka-helm-test').spec,
    ]
    for (const { containers } of pods) {
      const env = containers.at(-1).env as Json[]
      const from = (name: string) => env.find((one) => one.name === name)
      expect(from('SCHEMA_REGISTRY_URL').value).toBe('https://schema-registry-service.kafka.svc.cluster.local:8081')
      expect(from('SCHEMA_REGISTRY_CA').valueFrom.secretKeyRef).toMatchObject({ key: 'ca.crt' })
      expect(from('SCHEMA_REGISTRY_PASSWORD').valueFrom.secretKeyRef).toEqual({
        name: 'schema-registry-login',
        key: 'password',
      })
    }
  })

  it('outside of the release: the setup Job gets the login and the CA of an external registry', async () => {
    const setup = { schemaRegistryUrl: 'https://registry.example.com', schemaRegistrySecret: 'registry-access' }
    const objects = await render({ schemaRegistry: { enabled: false }, setup })
    const job = ofKind(objects, 'Job').find(({ metadata }) => metadata.name.startsWith('kafka-setup'))!
    expect(job.spec.template.spec.containers[0].env).toContainEqual({
      name: 'SCHEMA_REGISTRY_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'registry-access', key: 'password', optional: true } },
    })
  })
})
