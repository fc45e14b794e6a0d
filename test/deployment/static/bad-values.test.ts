// Values that cannot work are rejected before anything is installed, with an error that names the value and the remedy.
import { describe, expect, it } from 'vitest'
import { orMissing } from './fetch.ts'
import { fetchHelm, type HelmMajor } from './helm.ts'
import type { Json } from './objects.ts'
import { renderChart } from './render.ts'

/** What Helm 3 and Helm 4 say of the schema, in either's words. */
const unknownKey = (path: string, key: string) =>
  new RegExp(`${path}'?: [Aa]dditional propert(y ${key} is|ies '${key}') not allowed`)
const wrongType = (path: string) => new RegExp(`${dotsOrSlashes(path)}'?: (Invalid type\\. Expected|got string, want)`)
const oneOf = (path: string, ...values: string[]) =>
  new RegExp(`${dotsOrSlashes(path)}.*must be one of.*${values.map((value) => `['"]${value}['"]`).join(', ')}`)
const dotsOrSlashes = (path: string) => path.replaceAll('.', '[./]')

type BadValue = readonly [what: string, values: Json, message: string | RegExp, kubeVersion?: string]

const badValues: readonly BadValue[] = [
  // The schema's.
  ['a misspelt key', { kafka: { replicaCont: 3 } }, unknownKey('kafka', 'replicaCont')],
  ['a misspelt section', { kafak: { replicaCount: 3 } }, unknownKey('', 'kafak')],
  ['a misspelt key of a component', { schemaRegistry: { replicas: 3 } }, unknownKey('schemaRegistry', 'replicas')],
  ['a number in words', { kafka: { replicaCount: 'three' } }, wrongType('kafka.replicaCount')],
  ['a switch in words', { monitoring: { enabled: 'yes' } }, wrongType('monitoring.enabled')],
  ['no brokers', { kafka: { replicaCount: 0 } }, /kafka[./]replicaCount.*(greater than or equal to 1|got 0, want 1)/],
  ['an unknown environment', { environment: 'prod' }, oneOf('environment', 'production', 'staging', 'development')],
  ['a coordination that is none', { coordination: 'etcd' }, oneOf('coordination', 'kraft', 'zookeeper')],
  [
    'a TLS mode that is none',
    { security: { tls: { mode: 'none' } } },
    oneOf('security.tls.mode', 'chart', 'cert-manager', 'existing'),
  ],
  [
    'a Service type that is none',
    { kafka: { external: { type: 'Ingress' } } },
    oneOf('kafka.external.type', 'LoadBalancer', 'NodePort'),
  ],
  ['a web UI that is none', { ui: { kind: 'akhq' } }, oneOf('ui.kind', 'kafbat', 'none')],
  ['a digest that is cut', { images: { kafka: { digest: 'sha256:abc' } } }, /images[./]kafka[./]digest.*match pattern/],
  [
    'an image with neither tag nor digest',
    { images: { kafka: { tag: '' } } },
    'images.kafka has neither a tag nor a digest: set images.kafka.tag to a version, or images.kafka.digest',
  ],
  [
    'an even ensemble',
    { coordination: 'zookeeper', zookeeper: { replicaCount: 2 } },
    /zookeeper[./]replicaCount.*must be one of.*1, 3, 5/,
  ],
  [
    'a step of the migration that is none',
    { coordination: 'zookeeper', zookeeper: { migration: 'copying' } },
    oneOf('zookeeper.migration', 'none', 'controllers', 'brokers', 'kraft', 'finished'),
  ],
  // The templates', which say what to set instead.
  [
    'a migration without controllers of their own',
    {
      ...{ environment: 'development', coordination: 'zookeeper' },
      zookeeper: { migration: 'controllers' },
    },
    'zookeeper.migration is controllers with controller.mode combined: set controller.mode to dedicated',
  ],
  [
    'a migration to an even quorum',
    { coordination: 'zookeeper', zookeeper: { migration: 'controllers' }, controller: { replicaCount: 2 } },
    'controller.replicaCount is 2: set it to 1, 3 or 5',
  ],
  [
    'a migration that is broken off',
    { coordination: 'kraft', zookeeper: { migration: 'brokers' } },
    'coordination is kraft with zookeeper.migration brokers: go through the remaining steps to finished first',
  ],
  [
    'a setting of ZooKeeper that is the chart’s own',
    { coordination: 'zookeeper', zookeeper: { config: { dataDir: '/data' } } },
    'zookeeper.config: the chart sets dataDir itself; use zookeeper.replicaCount, zookeeper.persistence or security instead',
  ],
  [
    'too few brokers for the topics',
    { environment: 'staging', kafka: { replicaCount: 2 } },
    'kafka.replicaCount is 2 in staging, whose topics in platform.yaml have 3 replicas with min.insync.replicas 2: set it to 3 or more, or environment to development',
  ],
  ['an even quorum', { controller: { replicaCount: 2 } }, 'controller.replicaCount is 2: set it to 1, 3 or 5'],
  [
    'combined controllers in production',
    { controller: { mode: 'combined' } },
    'controller.mode is combined in production: set it to dedicated',
  ],
  [
    'no security in production',
    { security: { enabled: false } },
    'security.enabled is false in production: leave it on, set environment to development, or',
  ],
  [
    'too little memory',
    { kafka: { resources: { requests: { memory: '256Mi' }, limits: { memory: '512Mi' } } } },
    'kafka.resources.limits.memory is 512Mi: set it to 768Mi or more, or remove it',
  ],
  [
    'a memory limit below the request',
    { kafka: { resources: { limits: { memory: '1Gi' } } } },
    'kafka.resources.limits.memory is 1Gi, below kafka.resources.requests.memory (8Gi): set it to that or more, or remove it',
  ],
  [
    'an image with the tag latest',
    { images: { kafka: { tag: 'latest' } } },
    'images.kafka.tag is latest, which changes over time: set it to a version',
  ],
  [
    'a reader of accounts where there are none',
    {
      environment: 'development',
      clientAccess: { secretReaders: [{ account: 'user-service', namespace: 'a', serviceAccount: 'b' }] },
    },
    'clientAccess.secretReaders is set, but there are no accounts without security',
  ],
  [
    'a heap that leaves nothing',
    { kafka: { heap: '8g' } },
    'kafka.heap is 8g, of 8192Mi memory (kafka.resources.requests.memory): leave 384Mi or more outside of the heap',
  ],
  [
    'a heap of an environment variable that leaves nothing',
    { kafka: { extraEnv: [{ name: 'KAFKA_HEAP_OPTS', value: '-Xms1g -Xmx8g' }] } },
    'kafka.extraEnv KAFKA_HEAP_OPTS is 8g, of 8192Mi memory (kafka.resources.requests.memory)',
  ],
  [
    'an ingress for every name',
    { ui: { ingress: { enabled: true } } },
    'ui.ingress.enabled is true without a host: set ui.ingress.host',
  ],
  [
    'TLS of a service without security',
    { environment: 'development', connect: { tls: { enabled: true } } },
    'connect.tls.enabled is true without security.enabled: set security.enabled to true as well',
  ],
  [
    'a login without TLS',
    { ksqldb: { login: { enabled: true } } },
    'ksqldb.login.enabled is true without ksqldb.tls.enabled: passwords would be sent without encryption',
  ],
  [
    'TLS of a service without a certificate',
    { security: { tls: { mode: 'existing' } }, schemaRegistry: { tls: { enabled: true } } },
    'schemaRegistry.tls.enabled is true with security.tls.mode existing: set schemaRegistry.tls.secret',
  ],
  [
    'users without the login',
    { connect: { login: { usersSecret: 'people' } } },
    'connect.login.usersSecret is set, but connect.login.enabled is false: set it to true, or remove the Secret',
  ],
  [
    'a name that is none of a Secret',
    { connect: { tls: { enabled: true, secret: 'Not A Secret' } } },
    /connect[./]tls[./]secret.*match pattern/,
  ],
  [
    'a login for an external registry without its URL',
    { setup: { schemaRegistrySecret: 'access' } },
    'setup.schemaRegistrySecret is only for the registry at setup.schemaRegistryUrl',
  ],
  [
    'a listener that is the chart’s own',
    { connect: { config: { 'listeners.https.ssl.keystore.type': 'JKS' } } },
    'connect.config has "listeners.https.ssl.keystore.type", which the chart sets',
  ],
  [
    'a client secret in a ConfigMap',
    {
      ui: {
        config: {
          auth: { type: 'OAUTH2', oauth2: { client: { keycloak: { clientId: 'ui', 'client-secret': 'hush' } } } },
        },
      },
    },
    'ui.config has "client-secret", which would be readable in a ConfigMap: put it into a Secret',
  ],
  [
    'a heap that leaves nothing in a component',
    { schemaRegistry: { heap: '1g' } },
    'schemaRegistry.heap is 1g, of 1024Mi memory (schemaRegistry.resources.requests.memory)',
  ],
  [
    'a setting that is the chart’s own',
    { kafka: { config: { listeners: 'PLAINTEXT://:9092' } } },
    'kafka.config: the chart sets listeners itself; use kafka.external and security.enabled instead',
  ],
  [
    'a section that is the chart’s own',
    { ui: { config: { kafka: {} } } },
    'ui.config has "kafka", which the chart sets',
  ],
  [
    'no time to stop',
    { kafka: { terminationGracePeriodSeconds: 60 } },
    'kafka.terminationGracePeriodSeconds is 60: set it to kafka.preStopTimeoutSeconds (120) and 30 s or more',
  ],
  [
    'fewer names than brokers',
    { kafka: { external: { enabled: true, hostnames: ['a', 'b'] } } },
    'kafka.external.hostnames has 2 names for 3 brokers (kafka.replicaCount): set one for each broker, or use hostnamePattern',
  ],
  [
    'one name for all brokers',
    { kafka: { external: { enabled: true, hostnamePattern: 'kafka.example.com' } } },
    'kafka.external.hostnamePattern is "kafka.example.com": put {ordinal} into it',
  ],
  [
    'a setting that is the chart’s own in a component',
    { connect: { config: { 'sasl.jaas.config': 'x' } } },
    'connect.config has "sasl.jaas.config", which the chart sets',
  ],
  [
    'certificates of your own without their names',
    { security: { tls: { mode: 'existing', brokerSecret: '' } } },
    'security.tls.mode is existing: set security.tls.brokerSecret',
  ],
  [
    'an issuer that is not used',
    { credentials: { certManager: { issuerRef: { name: 'ours' } } } },
    'set security.tls.mode to cert-manager, or remove the issuer',
  ],
  [
    'more replicas than brokers',
    { setup: { replicationFactor: 5 } },
    'setup.replicationFactor is 5, with 3 brokers: set it to 3 or less, or kafka.replicaCount to 5 or more',
  ],
  [
    'an account with a name that a Secret cannot have',
    { credentials: { extraAccounts: ['Reporting_2'] } },
    /the account "Reporting_2", .* cannot have a Secret kafka-user-Reporting_2|extraAccounts.*match pattern/,
  ],
  [
    'an account that would be a super user',
    { credentials: { extraAccounts: ['kafka-controller'] } },
    'the account "kafka-controller", of platform.yaml or credentials.extraAccounts, would be a super user',
  ],
  [
    'a reader of an unknown account',
    { clientAccess: { secretReaders: [{ account: 'nobody', namespace: 'a', serviceAccount: 'b' }] } },
    'clientAccess.secretReaders names the account "nobody", which does not exist: choose one of ',
  ],
  [
    'a reader of the super user’s password',
    { clientAccess: { secretReaders: [{ account: 'admin', namespace: 'a', serviceAccount: 'b' }] } },
    'clientAccess.secretReaders would let others read the password of the super user "admin"',
  ],
  [
    'no security in staging',
    { environment: 'staging', security: { enabled: false } },
    'security.enabled is false in staging: leave it on, set environment to development, or',
  ],
  [
    'a memory that is no size',
    { kafka: { resources: { requests: { memory: '8GB' } } } },
    'kafka.resources.requests.memory is "8GB": write a size such as 512Mi, 8Gi or 8G',
  ],
  [
    'a limit that is no size',
    { connect: { resources: { limits: { 'ephemeral-storage': '2GB' } } } },
    'connect.resources.limits.ephemeral-storage is "2GB": write a size such as 512Mi, 8Gi or 8G',
  ],
  [
    'a share of a processor that is none',
    { ui: { resources: { requests: { cpu: '1 core' } } } },
    'ui.resources.requests.cpu is "1 core": write 500m, 2 or 0.5',
  ],
  [
    'a heap that is not a size',
    { kafka: { heap: '4Gi' } },
    'kafka.heap is "4Gi": write 512m or 4g, as for Java, or remove it',
  ],
  [
    'a volume that is no size',
    { kafka: { persistence: { size: '500GB' } } },
    'kafka.persistence.size is "500GB": write a size such as 512Mi, 8Gi or 8G',
  ],
  [
    'a volume in thousandths of a byte',
    { controller: { persistence: { size: '500m' } } },
    'controller.persistence.size is "500m": write a size such as 512Mi, 8Gi or 8G',
  ],
  [
    'a volume that holds nothing',
    { kafka: { persistence: { size: 0 } } },
    'kafka.persistence.size is 0: set it to 1Gi or more',
  ],
  [
    'a volume of ZooKeeper that holds next to nothing',
    { coordination: 'zookeeper', zookeeper: { persistence: { size: '100Mi' } } },
    'zookeeper.persistence.size is 100Mi: set it to 1Gi or more',
  ],
  [
    'volumes to delete where Kubernetes deletes none',
    { kafka: { persistence: { whenDeleted: 'Delete' } } },
    'kafka.persistence.whenDeleted is Delete, which Kubernetes v1.25.0 does not know: set it to Retain',
    '1.25.0',
  ],
  [
    'volumes of controllers to delete where Kubernetes deletes none',
    { controller: { persistence: { whenScaled: 'Delete' } } },
    'controller.persistence.whenScaled is Delete, which Kubernetes v1.26.9 does not know: set it to Retain',
    '1.26.9',
  ],
  [
    'more controllers than make sense',
    { controller: { replicaCount: 7 } },
    'controller.replicaCount is 7: set it to 1, 3 or 5',
  ],
  [
    'more of an ensemble than makes sense',
    { coordination: 'zookeeper', zookeeper: { replicaCount: 7 } },
    /zookeeper[./]replicaCount.*must be one of.*1, 3, 5/,
  ],
  [
    'more replicas in sync than there are brokers',
    { kafka: { config: { 'min.insync.replicas': 4 } } },
    'kafka.config.min.insync.replicas is 4, with 3 brokers: set it to 3 or less, or kafka.replicaCount to 4 or more',
  ],
  [
    'more replicas of offsets than there are brokers',
    { kafka: { config: { 'offsets.topic.replication.factor': '5' } } },
    'kafka.config.offsets.topic.replication.factor is 5, with 3 brokers: set it to 3 or less',
  ],
  [
    'more replicas by default than there are brokers',
    { controller: { config: { 'default.replication.factor': 4 } } },
    'controller.config.default.replication.factor is 4, with 3 brokers: set it to 3 or less',
  ],
  [
    'a label that pods are selected by',
    { kafka: { podLabels: { app: 'streams' } } },
    'kafka.podLabels has "app", which the chart sets: remove it, or choose another label',
  ],
  [
    'a label that pods of a component are selected by',
    { schemaRegistry: { podLabels: { 'app.kubernetes.io/component': 'registry' } } },
    'schemaRegistry.podLabels has "app.kubernetes.io/component", which the chart sets',
  ],
  [
    'a common label that the chart sets',
    { commonLabels: { 'app.kubernetes.io/part-of': 'shop' } },
    'commonLabels has "app.kubernetes.io/part-of", which the chart sets',
  ],
  [
    'node ports beyond the last',
    { kafka: { external: { enabled: true, type: 'NodePort', nodePortBase: 32763 } } },
    'kafka.external.nodePortBase is 32763, so its last port would be 32768: set it to 32762 or less',
  ],
  [
    'certificates that are renewed as soon as they are made',
    { credentials: { validity: '720h', renewBefore: '719h60m' } },
    'credentials.renewBefore is 719h60m, but credentials.validity is only 720h: set it to less',
  ],
  [
    'a schedule that is none',
    { credentials: { renewSchedule: 'at night' } },
    'credentials.renewSchedule is "at night": write the five fields of cron, "17 3 * * *", or @daily',
  ],
  [
    'a schedule with seconds',
    { credentials: { renewSchedule: '0 17 3 * * *' } },
    'credentials.renewSchedule is "0 17 3 * * *": write the five fields of cron',
  ],
  [
    'a Kafka without ZooKeeper',
    { coordination: 'zookeeper', images: { kafkaZookeeper: { tag: '8.3.2' } } },
    'images.kafkaZookeeper.tag is 8.3.2, a Kafka without ZooKeeper: leave it at 7.9',
  ],
  [
    'a Prometheus that is neither',
    { monitoring: { prometheus: { enabled: 'yes' } } },
    oneOf('monitoring.prometheus.enabled', 'auto'),
  ],
  [
    'a retention in words',
    { monitoring: { prometheus: { retention: { time: 'a month' } } } },
    /monitoring[./]prometheus[./]retention[./]time.*match pattern/,
  ],
  [
    'a volume of Prometheus that is too small',
    { monitoring: { prometheus: { persistence: { size: '100Mi' } } } },
    'monitoring.prometheus.persistence.size is 100Mi: set it to 1Gi or more',
  ],
  [
    'a Prometheus with nothing to scrape',
    { monitoring: { enabled: false, exporter: { enabled: false }, prometheus: { enabled: true } } },
    'monitoring.prometheus.enabled is true, but it has nothing to scrape: set monitoring.enabled or monitoring.exporter.enabled to true',
  ],
  [
    'an Alertmanager without a Prometheus',
    { monitoring: { prometheus: { enabled: false }, alertmanager: { enabled: true } } },
    'monitoring.alertmanager.enabled is true without this release',
  ],
  [
    'a Grafana without a Prometheus',
    { monitoring: { prometheus: { enabled: false }, grafana: { enabled: true } } },
    'monitoring.grafana.enabled is true without a Prometheus: set monitoring.prometheus.enabled to true, or monitoring.grafana.prometheusUrl',
  ],
  [
    'a Grafana behind an Ingress without a name',
    { monitoring: { grafana: { ingress: { enabled: true } } } },
    'monitoring.grafana.ingress.enabled is true without a host: set monitoring.grafana.ingress.host',
  ],
  [
    'a label of Grafana’s pods that the chart sets',
    { monitoring: { grafana: { podLabels: { app: 'grafana' } } } },
    'monitoring.grafana.podLabels has "app", which the chart sets',
  ],
  [
    'an Apache Kafka without ZooKeeper',
    { coordination: 'zookeeper', images: { kafkaZookeeper: { repository: 'apache/kafka', tag: '4.0.0' } } },
    'images.kafkaZookeeper.tag is 4.0.0, a Kafka without ZooKeeper',
  ],
]

/** Next to those above, and right. */
const goodValues: readonly (readonly [what: string, values: Json, kubeVersion?: string])[] = [
  ['a schedule by name', { credentials: { renewSchedule: '@daily' } }],
  ['a schedule of lists, steps and names', { credentials: { renewSchedule: '*/15 0-6,22 * JAN-JUN MON' } }],
  ['the last node ports', { kafka: { external: { enabled: true, type: 'NodePort', nodePortBase: 32762 } } }],
  ['volumes to delete', { kafka: { persistence: { whenDeleted: 'Delete' } } }, '1.27.0'],
  ['volumes to keep in an old Kubernetes', { kafka: { persistence: { whenDeleted: 'Retain' } } }, '1.25.0'],
  ['sizes as numbers and in other units', { kafka: { persistence: { size: 536870912000 } }, ui: { heap: '300m' } }],
  ['no limits', { kafka: { resources: { limits: { cpu: 'none', memory: 'none' } } } }],
  ['no limit on the disk of a component', { connect: { resources: { limits: { 'ephemeral-storage': 'none' } } } }],
  ['a limit in bytes', { connect: { resources: { limits: { 'ephemeral-storage': 2147483648 } } } }],
  ['all brokers in sync', { kafka: { config: { 'min.insync.replicas': 3 } } }],
  ['five controllers', { controller: { replicaCount: 5 } }],
  [
    'Apache’s Kafka with ZooKeeper',
    { coordination: 'zookeeper', images: { kafkaZookeeper: { repository: 'apache/kafka', tag: '3.9.1' } } },
  ],
  ['only the exporter', { monitoring: { enabled: false } }],
  ['no Prometheus, and so neither Alertmanager nor Grafana', { monitoring: { prometheus: { enabled: false } } }],
  [
    'Grafana for a Prometheus that is there already',
    {
      monitoring: {
        prometheus: { enabled: false },
        grafana: { enabled: true, prometheusUrl: 'http://prometheus.monitoring.svc:9090' },
      },
    },
  ],
  ['the image of 7.9 without ZooKeeper', { images: { kafka: { tag: '7.9.11' } } }],
]

const majors: readonly HelmMajor[] = ['3', '4']
describe.each(majors)('Helm %s', async (major) => {
  const helm = await orMissing(() => fetchHelm(major))

  it.skipIf('missing' in helm).each(badValues)('refuses %s', async (_, values, message, kubeVersion = '1.37.0') => {
    if ('missing' in helm) return
    await expect(renderChart({ helm: helm.value, values, kubeVersion })).rejects.toThrow(message)
  })

  it.skipIf('missing' in helm).each(goodValues)('takes %s', async (_, values, kubeVersion = '1.37.0') => {
    if ('missing' in helm) return
    const { yaml, objects } = await renderChart({ helm: helm.value, values, kubeVersion })
    expect(objects.length).toBeGreaterThan(0)
    expect(yaml).not.toMatch(/(sizeLimit|memory|storage|cpu): "?(none|.*e\+)/)
  })

  it.skipIf('missing' in helm)('has a pod for `helm test` only where something makes its topic', async () => {
    if ('missing' in helm) return
    const test = async (values: Json) =>
      (await renderChart({ helm: helm.value, values })).objects.filter(({ kind }) => kind === 'Pod').length
    expect([await test({}), await test({ setup: { enabled: false } })]).toEqual([1, 0])
  })

  it.skipIf('missing' in helm)('refuses unknown keys at every level', async () => {
    if ('missing' in helm) return
    for (const path of [
      'kafka.resources',
      'kafka.persistence',
      'kafka.external',
      'controller',
      'zookeeper',
      'security.tls',
      'monitoring',
      'setup',
    ]) {
      const values = path.split('.').reduceRight<Json>((inner, key) => ({ [key]: inner }), { unheardOf: 1 })
      await expect(renderChart({ helm: helm.value, values: values }), path).rejects.toThrow('unheardOf')
    }
  })
})
