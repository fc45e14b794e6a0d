// Monitoring, as rendered: which parts are installed where, what Prometheus scrapes and with which rights, what Alertmanager sends by,
// what Grafana is provisioned with. Prometheus' and Alertmanager's own tools read their files, where these are built.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { run } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { missingPrometheus, runMonitoringTool } from '../../support/prometheus.ts'
import { orMissing } from './fetch.ts'
import { provisioningProblems } from './grafana-provisioning.ts'
import { fetchHelm } from './helm.ts'
import { type Json, type KubernetesObject, nameOf, ofKind, podTemplate } from './objects.ts'
import { chartFolder, renderChart } from './render.ts'

const tools = await orMissing(async () => ({ helm: await fetchHelm('4') }))
const operator = { apiVersions: ['monitoring.coreos.com/v1'] }
const done = new Map<string, Promise<readonly KubernetesObject[]>>()
const render = (values: Json = {}, more: { apiVersions?: readonly string[] } = {}) => {
  const key = JSON.stringify([values, more])
  const helm = 'value' in tools ? tools.value.helm : ''
  if (!done.has(key))
    done.set(
      key,
      renderChart({ helm, values, ...more }).then(({ objects }) => objects),
    )
  return done.get(key)!
}
const named = (objects: readonly KubernetesObject[], kind: string, name: string): Json =>
  ofKind(objects, kind).find(({ metadata }) => metadata.name === name)
const podOf = (objects: readonly KubernetesObject[], kind: string, name: string): Json =>
  podTemplate(named(objects, kind, name))!.spec
const dataOf = (objects: readonly KubernetesObject[], name: string): Record<string, string> =>
  named(objects, 'ConfigMap', name).data
const partsOf = (objects: readonly KubernetesObject[]) =>
  objects
    .map(nameOf)
    .filter((name) => /^(Deployment|StatefulSet) kafka-(exporter|prometheus|alertmanager|grafana)$/.test(name))
const operatorObjects = (objects: readonly KubernetesObject[]) =>
  objects
    .filter(({ apiVersion }) => apiVersion === 'monitoring.coreos.com/v1')
    .map(nameOf)
    .sort()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selfmonitor-monitoring-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.skipIf('missing' in tools)('the parts of monitoring', () => {
  it('are all there in production, and the exporter alone in development', async () => {
    expect(partsOf(await render()).sort()).toEqual([
      'Deployment kafka-exporter',
      'Deployment kafka-grafana',
      'StatefulSet kafka-alertmanager',
      'StatefulSet kafka-prometheus',
    ])
    const development = await render({ environment: 'development' })
    expect(partsOf(development)).toEqual(['Deployment kafka-exporter'])
    expect(named(development, 'Deployment', 'kafka-exporter').spec.replicas).toBe(1)
  })

  it('leave Prometheus, Alertmanager and Grafana to those of an operator, and give it what they need', async () => {
    const objects = await render({}, operator)
    expect(partsOf(objects)).toEqual(['Deployment kafka-exporter'])
    expect(operatorObjects(objects)).toEqual([
      'PodMonitor kafka',
      'PodMonitor kafka-connect',
      'PodMonitor kafka-controller',
      'PodMonitor ksqldb-server',
      'PodMonitor schema-registry',
      'PrometheusRule kafka-alerts',
      'PrometheusRule kafka-objectives-analytics-service',
      'PrometheusRule kafka-objectives-audit-service',
      'PrometheusRule kafka-objectives-fraud-detection',
      'PrometheusRule kafka-objectives-kafka',
      'PrometheusRule kafka-objectives-ml-service',
      'PrometheusRule kafka-objectives-notification-service',
      'ServiceMonitor kafka-exporter',
    ])
    const dashboards = ofKind(objects, 'ConfigMap').filter(({ metadata }) => metadata.labels?.grafana_dashboard === '1')
    expect(dashboards.map(({ metadata }) => metadata.name)).toContain('kafka-dashboard-overview')
    // The series of the servers themselves get the label that those of the exporter have.
    for (const monitor of ofKind(objects, 'PodMonitor'))
      expect(monitor.spec.podMetricsEndpoints[0].relabelings).toContainEqual({
        targetLabel: 'cluster',
        replacement: 'kafka-cluster',
      })
    const alerts = await readFile(join(chartFolder, 'files/monitoring/rules/alerts.yaml'), 'utf8')
    expect(named(objects, 'PrometheusRule', 'kafka-alerts').spec).toEqual(parse(alerts))
  })

  it('can be chosen one by one, with an operator too', async () => {
    expect(partsOf(await render({ monitoring: { prometheus: { enabled: true } } }, operator))).toHaveLength(4)
    const off = { enabled: false }
    const none = { monitoring: { enabled: false, exporter: off } }
    expect(partsOf(await render(none))).toEqual([])
    const without = { podMonitor: off, rules: off, dashboards: off }
    expect(operatorObjects(await render({ monitoring: without }, operator))).toEqual([])
  })

  it('have annotations for a Prometheus that selects pods by them, which podAnnotations switch off', async () => {
    const scraped = async (values: Json) => {
      const objects = await render(values)
      const pods = [
        podTemplate(named(objects, 'StatefulSet', 'kafka'))!,
        podTemplate(named(objects, 'Deployment', 'kafka-connect'))!,
        podTemplate(named(objects, 'Deployment', 'kafka-exporter'))!,
      ]
      return pods.map(({ metadata }) => {
        const { 'prometheus.io/scrape': scrape, 'prometheus.io/port': port } = metadata.annotations
        return `${scrape} ${port}`
      })
    }
    expect(await scraped({})).toEqual(['true 5556', 'true 5556', 'true 9308'])
    const off = { podAnnotations: { 'prometheus.io/scrape': 'false' } }
    expect(await scraped({ kafka: off, connect: off, monitoring: { exporter: off } })).toEqual([
      'false 5556',
      'false 5556',
      'false 9308',
    ])
  })

  it('are each small enough for `kubectl apply`, which keeps an object in an annotation of at most 256 KiB', async () => {
    for (const more of [{}, operator]) {
      const large = (await render({}, more)).filter(
        ({ kind, metadata }) =>
          ['ConfigMap', 'PrometheusRule'].includes(kind) && /rules|objectives|alerts/.test(metadata.name!),
      )
      expect(large.length).toBeGreaterThan(2)
      for (const object of large) expect(JSON.stringify(object).length, nameOf(object)).toBeLessThan(250 * 1024)
    }
  })

  it('have links in alerts where values give their addresses, and else say where to look', async () => {
    const textOf = async (values: Json) => {
      const objects = await render(values)
      const rules = ofKind(objects, 'ConfigMap').filter(({ metadata }) => metadata.name!.startsWith('kafka-rules-'))
      return rules.map(({ data }) => Object.values(data).join('\n')).join('\n')
    }
    const plain = await textOf({})
    expect(plain).toContain('runbook: docs/runbooks/alerts.md#kafkabrokerdown\n')
    expect(plain).not.toMatch(/_url:|https?:/)
    const links = { runbook: 'https://wiki.example.com/kafka/alerts', console: 'https://console.example.com/' }
    const linked = await textOf({ monitoring: { links } })
    expect(linked).toContain('runbook_url: https://wiki.example.com/kafka/alerts#kafkabrokerdown\n')
    expect(linked).toContain('runbook_url: https://wiki.example.com/kafka/alerts#kafkaerrorbudgetburnsfast\n')
    expect(linked).toContain('console_url: https://console.example.com/groups/{{ $labels.group | urlquery }}\n')
    expect(linked).not.toMatch(/runbook: |console_path: /)
    await expect(render({ monitoring: { links: { runbook: 'wiki/alerts' } } })).rejects.toThrow(/links/)
  })

  it('give the exporter the rights of its probe only with the probe, and on its own topic and group alone', async () => {
    const accessOf = async (values: Json) => {
      const objects = await render(values)
      const [exporter] = podOf(objects, 'Deployment', 'kafka-exporter').containers
      const { users } = parse(dataOf(objects, 'kafka-infrastructure')['infrastructure.yaml']!)
      return { command: exporter.command, acls: users['kafka-exporter'].acls as Json[], objects }
    }
    const without = await accessOf({})
    const probing = await accessOf({ monitoring: { exporter: { probe: true } } })
    expect(without.command).not.toContain('--probe')
    expect(probing.command).toContain('--probe')
    expect(probing.acls).toEqual([
      ...without.acls,
      { topic: '_selfmonitor-probe', operations: ['create', 'alter', 'write', 'read'] },
      { group: '_selfmonitor-probe', operations: ['read'] },
    ])
    expect(JSON.stringify(without.acls)).not.toMatch(/write|create|alter"/)
    // It reaches each broker already, and needs no other way.
    const policies = ({ objects }: { objects: readonly KubernetesObject[] }) => ofKind(objects, 'NetworkPolicy')
    expect(policies(probing)).toEqual(policies(without))
    const kafka = policies(probing).find(({ metadata }) => metadata.name === 'kafka') as Json
    const clients = kafka.spec.ingress.find(({ ports }: Json) => ports[0].port === 9092).from
    expect(JSON.stringify(clients)).toContain('exporter')
  })

  it('give the exporter the login and the CA of each service, none of them as an argument', async () => {
    const services = ['schemaRegistry', 'connect', 'ksqldb']
    const of = async (values: Json) => {
      const [exporter] = podOf(await render(values), 'Deployment', 'kafka-exporter').containers
      return Object.fromEntries(
        exporter.env.map(({ name, value, valueFrom }: Json) => [name, value ?? valueFrom.secretKeyRef]),
      )
    }
    const own = await of(
      Object.fromEntries(
        services.map((key) => [
          key,
          { tls: { enabled: true, secret: `${key.toLowerCase()}-own` }, login: { enabled: true } },
        ]),
      ),
    )
    for (const [prefix, secret, login] of [
      ['SCHEMA_REGISTRY', 'schemaregistry-own', 'schema-registry-login'],
      ['CONNECT', 'connect-own', 'kafka-connect-login'],
      ['KSQLDB', 'ksqldb-own', 'ksqldb-login'],
    ]) {
      expect(own[`${prefix}_URL`]).toMatch(/^https:\/\/[^@]+$/)
      expect(own[`${prefix}_CA`]).toEqual({ name: secret, key: 'ca.crt' })
      expect(own[`${prefix}_PASSWORD`]).toEqual({ name: login, key: 'password' })
    }
    const chartCa = await of({ connect: { tls: { enabled: true } } })
    expect(chartCa.CONNECT_CA).toEqual({ name: 'kafka-user-kafka-exporter', key: 'ca.crt' })
    expect(chartCa).not.toHaveProperty('CONNECT_PASSWORD')
  })

  it('start the exporter with options that it has', async () => {
    const commands = await readFile(join(chartFolder, '../../../../docs/commands.md'), 'utf8')
    const known = commands.slice(commands.indexOf('\n### exporter\n')).split('No `-o`.')[0]!
    for (const values of [{}, { environment: 'development' }]) {
      const [exporter] = podOf(await render(values), 'Deployment', 'kafka-exporter').containers
      const [command, verb, ...options] = exporter.command
      expect([command, verb]).toEqual(['selfmonitor', 'exporter'])
      for (const option of options) expect(known, option).toContain(`\`${option.split('=')[0]}`)
    }
  })

  it('are without rights at the Kubernetes API', async () => {
    const objects = await render()
    const accounts = ['kafka-exporter', 'kafka-prometheus', 'kafka-alertmanager', 'kafka-grafana']
    for (const name of accounts) expect(named(objects, 'ServiceAccount', name).automountServiceAccountToken).toBe(false)
    const bound = [...ofKind(objects, 'RoleBinding'), ...ofKind(objects, 'ClusterRoleBinding')].flatMap(
      ({ subjects = [] }) => subjects.map(({ name }: Json) => name),
    )
    expect(bound.filter((name) => accounts.includes(name))).toEqual([])
  })
})

describe.skipIf('missing' in tools)('Prometheus', () => {
  const config = async (values: Json = {}) =>
    parse(dataOf(await render(values), 'kafka-prometheus-config')['prometheus.yaml']!)

  it('finds every server and every replica of the exporter by names of Services that are there, at ports they have', async () => {
    const objects = await render()
    const { scrape_configs: jobs } = await config()
    const found = jobs.flatMap(({ job_name, dns_sd_configs = [] }: Json) =>
      dns_sd_configs.flatMap(({ names }: Json) => names.map((name: string) => [job_name, name])),
    )
    expect(found.map(([job]: string[]) => job)).toEqual([
      'kafka-exporter',
      'kafka',
      'kafka-controller',
      'schema-registry',
      'kafka-connect',
      'ksqldb-server',
    ])
    for (const [, name] of found) {
      const [, port, service] = /^_([a-z]+)\._tcp\.([a-z-]+)\.kafka\.svc\.cluster\.local$/.exec(name) ?? []
      const { spec } = named(objects, 'Service', service!)
      // Only a headless Service has a record for each pod; pods that are not ready are those to look at.
      expect(spec, name).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true })
      expect(
        spec.ports.map((one: Json) => one.name),
        name,
      ).toContain(port)
    }
  })

  it('gives series of the servers the label `cluster` that the exporter’s have, and brokers their pod’s name', async () => {
    const { scrape_configs: jobs } = await config({ monitoring: { cluster: 'streams-eu' } })
    const [exporter] = podOf(
      await render({ monitoring: { cluster: 'streams-eu' } }),
      'Deployment',
      'kafka-exporter',
    ).containers
    expect(exporter.command).toContain('--cluster=streams-eu')
    const kafka = jobs.find(({ job_name }: Json) => job_name === 'kafka')
    expect(kafka.relabel_configs).toContainEqual({ target_label: 'cluster', replacement: 'streams-eu' })
    const { regex, replacement } = kafka.relabel_configs.find(({ target_label }: Json) => target_label === 'instance')
    const address = 'kafka-2.kafka-headless.kafka.svc.cluster.local:5556'
    expect(address.replace(new RegExp(`^${regex}$`), replacement.replaceAll(/[{}]/g, ''))).toBe('kafka-2')
  })

  it('keeps samples until a quarter of its volume is left, or as values say', async () => {
    const args = async (prometheus: Json) =>
      podOf(await render({ monitoring: { prometheus } }), 'StatefulSet', 'kafka-prometheus').containers[0].args
    expect(await args({ persistence: { size: '100Gi' } })).toContain('--storage.tsdb.retention.size=76800MB')
    const given = await args({ retention: { time: '90d', size: '30GB' } })
    expect(given).toEqual(
      expect.arrayContaining(['--storage.tsdb.retention.time=90d', '--storage.tsdb.retention.size=30GB']),
    )
  })

  it('restarts when its configuration or a rule changes', async () => {
    const sum = async (values: Json) =>
      named(await render(values), 'StatefulSet', 'kafka-prometheus').spec.template.metadata.annotations[
        'checksum/config'
      ]
    expect(await sum({ monitoring: { prometheus: { scrapeIntervalSeconds: 15 } } })).not.toBe(await sum({}))
  })

  it.skipIf(missingPrometheus() !== null).each([
    ['production', {}],
    ['the exporter only', { monitoring: { enabled: false, prometheus: { enabled: true } } }],
  ])('is given a configuration and rules that promtool accepts: %s', async (name, values) => {
    const objects = await render(values)
    const place = join(folder, name.replaceAll(' ', '-'))
    await mkdir(join(place, 'rules'), { recursive: true })
    const { volumes } = podOf(objects, 'StatefulSet', 'kafka-prometheus')
    for (const { configMap } of volumes.find(({ name }: Json) => name === 'rules').projected.sources) {
      const [{ key, path }] = configMap.items
      await writeFile(join(place, 'rules', path), dataOf(objects, configMap.name)[key]!)
    }
    const text = dataOf(objects, 'kafka-prometheus-config')['prometheus.yaml']!
    await writeFile(join(place, 'prometheus.yaml'), text.replace('/etc/selfmonitor/rules/', `${place}/rules/`))
    const checked = await runMonitoringTool('promtool', ['check', 'config', join(place, 'prometheus.yaml')])
    expect(checked).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/SUCCESS: \d+ rules found/) })
  })
})

describe.skipIf('missing' in tools)('Alertmanager', () => {
  let count = 0

  /** The file that its init container writes with these keys in the Secret, and what it says. */
  async function started(keys: readonly string[]) {
    const place = join(folder, `alertmanager-${++count}`)
    await mkdir(join(place, 'secret'), { recursive: true })
    for (const key of keys) await writeFile(join(place, 'secret', key), `secret-of-${key}`)
    const data = dataOf(await render(), 'kafka-alertmanager-config')
    await writeFile(join(place, 'template'), data['alertmanager.yaml']!)
    await writeFile(join(place, 'alertmanager.tmpl'), data['alertmanager.tmpl']!)
    const script = join(chartFolder, 'files/bin/alertmanager-init.sh')
    const result = await run('/bin/sh', [script, join(place, 'template'), join(place, 'out.yaml')], {
      env: { PATH: process.env.PATH, SECRET_FOLDER: join(place, 'secret'), SECRET_NAME: 'kafka-alertmanager' },
    })
    expect(result.exitCode, result.stderr).toBe(0)
    const text = await readFile(join(place, 'out.yaml'), 'utf8')
    return { place, text, config: parse(text), said: result.stdout + result.stderr }
  }
  /** `on-call pagerduty_configs`, for each way that is left. */
  const ways = (config: Json): string[] =>
    config.receivers
      .flatMap(({ name, ...kinds }: Json) =>
        Object.entries<Json>(kinds).flatMap(([kind, list]) => (list ?? []).map(() => `${name} ${kind}`)),
      )
      .sort()
  /** The keys that the generated file wants, from its own text. */
  const wanted = async () => {
    const text = await readFile(join(chartFolder, 'files/monitoring/alertmanager.yaml'), 'utf8')
    return [
      ...new Set([...text.matchAll(/_file: \/etc\/selfmonitor\/secrets\/alertmanager\/(\S+)/g)].map(([, key]) => key!)),
    ]
  }

  it('starts without the Secret, sends nowhere, and says so', async () => {
    const { config, said } = await started([])
    expect(ways(config)).toEqual([])
    expect(config.global).not.toHaveProperty('smtp_auth_password_file')
    expect(said).toContain('alerts are sent nowhere')
    expect(said).toContain('Secret kafka-alertmanager has no key')
    for (const key of await wanted()) expect(said).toContain(key)
    const { volumes } = podOf(await render(), 'StatefulSet', 'kafka-alertmanager')
    expect(volumes.find(({ name }: Json) => name === 'credentials').secret).toMatchObject({ optional: true })
  })

  it('sends by what the Secret has keys for, and the credentials stay in its files', async () => {
    const keys = await wanted()
    const slack = keys.find((key) => key.startsWith('slack-'))!
    const one = await started([slack])
    expect(new Set(ways(one.config).map((way) => way.split(' ')[1]))).toEqual(new Set(['slack_configs']))
    expect(one.said).toContain(`alerts are sent by: ${slack}\n`)
    const all = await started(keys)
    const whole = parse(await readFile(join(chartFolder, 'files/monitoring/alertmanager.yaml'), 'utf8'))
    expect(ways(all.config)).toEqual(ways(whole))
    expect(all.config).toEqual(whole)
    expect(all.said).not.toContain('has no key')
    for (const { text, said } of [one, all]) expect(text + said).not.toContain('secret-of')
  })

  it.skipIf(missingPrometheus() !== null)(
    'has a configuration that amtool accepts, with and without credentials',
    async () => {
      for (const keys of [[], await wanted()]) {
        const { place, text } = await started(keys)
        await writeFile(join(place, 'here.yaml'), text.replace('/etc/selfmonitor/alertmanager/', `${place}/`))
        const checked = await runMonitoringTool('amtool', ['check-config', join(place, 'here.yaml')])
        expect(checked, checked.stderr).toMatchObject({ exitCode: 0 })
      }
    },
  )
})

describe.skipIf('missing' in tools)('Grafana', () => {
  it('has a generated password, no anonymous access, and asks nothing outside', async () => {
    for (const values of [{}, { environment: 'development', monitoring: { prometheus: { enabled: true } } }]) {
      const objects = await render(values)
      const spec = JSON.parse(dataOf(objects, 'kafka-credentials-spec')['spec.json']!)
      expect(spec.logins).toContainEqual({ username: 'admin', secret: 'kafka-grafana-login' })
      const secrets = named(objects, 'Role', 'kafka-credentials').rules.flatMap(
        ({ resourceNames = [] }: Json) => resourceNames,
      )
      expect(secrets).toContain('kafka-grafana-login')
      const { containers } = podOf(objects, 'Deployment', 'kafka-grafana')
      const env = Object.fromEntries(containers[0].env.map(({ name, value }: Json) => [name, value]))
      expect(env).toMatchObject({
        GF_SECURITY_ADMIN_PASSWORD__FILE: '/etc/selfmonitor/secrets/login/password',
        GF_AUTH_ANONYMOUS_ENABLED: 'false',
        GF_USERS_ALLOW_SIGN_UP: 'false',
        GF_ANALYTICS_REPORTING_ENABLED: 'false',
        GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      })
      expect(env).not.toHaveProperty('GF_SECURITY_ADMIN_PASSWORD')
    }
  })

  it('reads every key of its provisioning files, in the chart and in Compose', async () => {
    const chart = dataOf(await render(), 'kafka-grafana-config')
    const compose = (name: string) => readFile(join(chartFolder, '../../../kafka/config/grafana', name), 'utf8')
    for (const text of [chart['datasources.yaml']!, await compose('datasources/kafka.yaml')]) {
      expect(provisioningProblems('dataSources', parse(text))).toEqual([])
      // It ignores what it does not know, without a word.
      expect(provisioningProblems('dataSources', parse(text.replace('timeInterval', 'scrapeInterval')))).toEqual([
        '/datasources/0/jsonData must NOT have additional properties scrapeInterval',
      ])
    }
    for (const text of [chart['dashboards.yaml']!, await compose('dashboards/kafka.yaml')]) {
      expect(provisioningProblems('dashboards', parse(text))).toEqual([])
      expect(provisioningProblems('dashboards', parse(text.replace('disableDeletion', 'keep')))).toEqual([
        '/providers/0 must NOT have additional properties keep',
      ])
    }
  })

  it('is provisioned with the data source and every dashboard, at the paths that it reads', async () => {
    const objects = await render()
    const { containers, volumes } = podOf(objects, 'Deployment', 'kafka-grafana')
    const config = dataOf(objects, 'kafka-grafana-config')
    const { datasources } = parse(config['datasources.yaml']!)
    expect(datasources).toMatchObject([{ type: 'prometheus', isDefault: true, editable: false }])
    const { host, port } = new URL(datasources[0].url)
    expect(named(objects, 'Service', host.split('.')[0]!).spec.ports[0].port).toBe(Number(port))
    const { providers } = parse(config['dashboards.yaml']!)
    const mounts = containers[0].volumeMounts.map(({ mountPath }: Json) => mountPath)
    expect(mounts).toContain(providers[0].options.path)
    const files = volumes.find(({ name }: Json) => name === 'dashboards').projected.sources
    const dashboards = files.map(({ configMap }: Json) =>
      JSON.parse(dataOf(objects, configMap.name)[configMap.items[0].key]!),
    )
    expect(dashboards.map(({ title }: Json) => title).sort()).toEqual(
      expect.arrayContaining(['Broker Performance', 'Consumer Monitoring', 'Kafka Overview', 'Topic Analysis']),
    )
    const uids = dashboards.map(({ uid }: Json) => uid)
    expect(new Set(uids).size).toBe(uids.length)
    const home = containers[0].env.find(({ name }: Json) => name === 'GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH').value
    expect(files.map(({ configMap }: Json) => `${providers[0].options.path}/${configMap.items[0].path}`)).toContain(
      home,
    )
  })
})

describe.skipIf('missing' in tools)('the JMX agent of Connect, ksqlDB and Schema Registry', () => {
  const servers = ['kafka-connect', 'ksqldb-server', 'schema-registry']

  it('is an option of the server’s process alone, with rules that are valid expressions', async () => {
    const objects = await render()
    for (const name of servers) {
      const [server] = podOf(objects, 'Deployment', name).containers
      expect(server.command.slice(0, 2), name).toEqual(['/bin/sh', '-c'])
      expect(server.command[2], name).toMatch(
        /^export \w+_OPTS="\$\{\w+_OPTS:-\} -javaagent:\S+=5556:\S+\/jmx\.yaml"; exec \S/,
      )
      expect(JSON.stringify(server.env), name).not.toContain('javaagent')
      const { rules, includeObjectNames } = parse(dataOf(objects, `${name}-config`)['jmx.yaml']!)
      expect(includeObjectNames.length).toBeGreaterThan(1)
      for (const { pattern, name: metric, labels = {} } of rules) {
        const groups = new RegExp(`${pattern}|`).exec('')!.length - 1
        for (const [, group] of [metric, ...Object.values(labels)].join(' ').matchAll(/\$(\d)/g))
          expect(Number(group), pattern).toBeLessThanOrEqual(groups)
        expect(Object.keys(labels).join(), pattern).not.toMatch(/client|member|consumer/)
      }
    }
  })

  it('is not there without monitoring, and the server’s command is its own', async () => {
    const objects = await render({ monitoring: { enabled: false } })
    for (const name of servers) {
      const { containers, initContainers } = podOf(objects, 'Deployment', name)
      expect(JSON.stringify([containers[0].command, initContainers]), name).not.toMatch(/javaagent|jmx/)
      expect(dataOf(objects, `${name}-config`)['jmx.yaml'], name).toBeUndefined()
    }
  })
})

// Helm keeps base64(gzip(JSON)) of the chart, whose files are base64 in that JSON, and of what it rendered, in one Secret of at most 1 MiB.
it.skipIf('missing' in tools)(
  'the chart, with what it renders, takes less than half of the Secret in which Helm keeps a release',
  async () => {
    const names = await readdir(chartFolder, { recursive: true, withFileTypes: true })
    const files = await Promise.all(
      names
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await readFile(join(entry.parentPath, entry.name))).toString('base64')),
    )
    const { yaml } = await renderChart({ helm: 'value' in tools ? tools.value.helm : '' })
    const release = gzipSync(JSON.stringify({ files, manifest: yaml })).toString('base64')
    expect(release.length).toBeLessThan(512 * 1024)
  },
)
