// The files of Schema Registry, Connect, ksqlDB and the UI as their init containers write them, what their accounts may do, and
// what the setup Job says: the chart's own scripts and templates, run here.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '@selfmonitor/apache'
import { loadPlatform } from '@selfmonitor/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseJaas } from '../../../packages/cluster/src/jaas.ts'
import { parseProperties } from '../../../packages/cluster/src/java-properties.ts'
import { orMissing } from './fetch.ts'
import { fetchHelm } from './helm.ts'
import { type Json, type KubernetesObject, ofKind } from './objects.ts'
import { chartFolder, renderChart } from './render.ts'

const tools = await orMissing(async () => ({ helm: await fetchHelm('4') }))
const render = async (values: Json = {}) =>
  (await renderChart({ helm: 'value' in tools ? tools.value.helm : '', values })).objects

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selfmonitor-components-'))
})
afterAll(() => rm(folder, { recursive: true }))

const script = (name: string) => join(chartFolder, 'files/bin', name)
const dataOf = (objects: readonly KubernetesObject[], name: string): Record<string, string> =>
  ofKind(objects, 'ConfigMap').find(({ metadata }) => metadata.name === name)?.data ?? {}

describe('component-init.sh', () => {
  let count = 0
  /** The files of the init container before it. */
  const stores = { '/run/ksqldb-server/store-password': 'of-the-store' }
  /** @returns what it said, and the file that it wrote, null when there is none. */
  async function init(
    template: string,
    secret: Record<string, string>,
    env: Record<string, string> = {},
    files: Record<string, string> = {},
  ) {
    const place = join(folder, `init-${++count}`)
    await mkdir(join(place, 'secret'), { recursive: true })
    await writeFile(join(place, 'template'), template)
    for (const [key, value] of Object.entries(secret)) await writeFile(join(place, 'secret', key), value)
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(place, path)), { recursive: true })
      await writeFile(join(place, path), content)
    }
    const result = await run('/bin/sh', [script('component-init.sh'), join(place, 'template'), join(place, 'out')], {
      env: {
        ...{ PATH: process.env.PATH, SECRET_FOLDER: join(place, 'secret'), POD_IP: '10.1.2.3', FILE_ROOT: place },
        ...env,
      },
    })
    const text = await readFile(join(place, 'out'), 'utf8').catch(() => null)
    return { ...result, place, text }
  }
  const jaas = 'sasl.jaas.config=a.b.ScramLoginModule required username="@@username@@" password="@@password@@";\n'
  // Everything that a shell, a properties file, JAAS, YAML or sed could take for something else.
  const hostile = `a"b'c\\d$e\`f&g|h*i?j[k]l#m!n=o:p;q/r@@username@@s{t}u%v\\"w<x>y,z ~`

  it('writes a password so that Java reads it back unchanged, whatever characters it has', async () => {
    const { exitCode, text } = await init(jaas, { username: 'ksqldb', password: hostile })
    expect(exitCode).toBe(0)
    const line = parseProperties(text!).get('sasl.jaas.config')!
    expect(parseJaas(line.value)?.options).toMatchObject({ password: hostile })
  })

  it('writes a password into the UI’s YAML so that it is read back unchanged', async () => {
    const template = JSON.stringify({
      jaas: 'a.b.ScramLoginModule required username="@@username@@" password="@@password@@";',
    })
    const { text } = await init(template, { username: 'kafka-ui', password: hostile })
    expect(parseJaas(parse(text!).jaas)?.options).toMatchObject({ username: 'kafka-ui', password: hostile })
  })

  it('writes a file that only its user can read, and says nothing of what is in it', async () => {
    const { place, stdout, stderr } = await init(jaas, { username: 'ksqldb', password: 'very-secret' })
    expect((await stat(join(place, 'out'))).mode & 0o777).toBe(0o600)
    expect(stdout + stderr).not.toContain('very-secret')
    expect((await readdir(place)).sort()).toEqual(['out', 'secret', 'template'])
  })

  it.each([
    ['is missing', {}, 'username'],
    ['is empty', { username: 'a', password: '' }, 'password'],
    ['has a line break', { username: 'a', password: 'one\ntwo' }, 'password'],
    ['is not ASCII', { username: 'a', password: 'pässword' }, 'password'],
  ])('writes nothing and names the key when a value %s', async (_, secret, key) => {
    const { exitCode, stderr, text } = await init(jaas, secret)
    expect({ exitCode, text }).toEqual({ exitCode: 1, text: null })
    expect(stderr).toContain(key)
  })

  it('removes the line break at the end of a password file', async () => {
    const { text } = await init(jaas, { username: 'a', password: 'secret\n' })
    expect(text).toContain('password="secret"')
  })

  it('puts an IPv6 address into brackets, as URLs require', async () => {
    const { text } = await init('listener=http://@@pod-host@@:8088\n', {}, { POD_IP: 'fd00::1' })
    expect(text).toBe('listener=http://[fd00::1]:8088\n')
  })

  describe('for a server with a login', () => {
    const own = '/etc/selfmonitor/secrets/ksqldb-login'
    const guest = '/etc/selfmonitor/secrets/users/guest'
    const password = 'x:y=z#!%'
    const login = (files: Record<string, string>, role = 'user') =>
      init(
        `basic.auth.user.info=@@file:${own}/username@@:@@file:${own}/password@@\n${jaas}`,
        { username: 'ksqldb', password: hostile },
        { LOGIN_FOLDER: own, LOGIN_ROLE: role },
        { [`${own}/username`]: 'selfmonitor', [`${own}/password`]: password, ...files },
      )
    const fileOf = (place: string, name: string) => readFile(join(place, name), 'utf8')

    it('writes its users, with a role where the server needs one, and the login for the probe', async () => {
      const { exitCode, place, text, stdout } = await login({ [guest]: 'g' })
      expect(exitCode).toBe(0)
      expect(await fileOf(place, 'users')).toBe(`selfmonitor=${password},user\nguest=g,user\n`)
      expect(Buffer.from((await fileOf(place, 'probe-login')).slice('Basic '.length), 'base64').toString()).toBe(
        `selfmonitor:${password}`,
      )
      expect((await stat(join(place, 'users'))).mode & 0o777).toBe(0o600)
      expect(text).toContain(`basic.auth.user.info=selfmonitor:${password}\n`)
      // And the account at Kafka is another one.
      const account = parseJaas(parseProperties(text!).get('sasl.jaas.config')!.value)?.options
      expect(account).toMatchObject({ username: 'ksqldb', password: hostile })
      expect(stdout).not.toContain(password)
      expect(await fileOf((await login({}, '')).place, 'users')).toBe(`selfmonitor=${password}\n`)
    })

    it.each([
      ['a space', { [guest]: 'a b' }, 'users/guest'],
      ['a comma, which would be a role', { [guest]: 'a,admin' }, 'users/guest'],
      ['a backslash', { [guest]: 'a\\' }, 'users/guest'],
      ['what Spring would replace', { [guest]: 'a$b' }, 'users/guest'],
      ['a form of Jetty', { [guest]: 'MD5:1' }, 'users/guest'],
      ['nothing', { [guest]: '' }, 'users/guest'],
      ['a name that ends early', { '/etc/selfmonitor/secrets/users/a b': 'c' }, '"a b" is not a user name'],
      [
        'the name of the release’s own user',
        { '/etc/selfmonitor/secrets/users/selfmonitor': 'c' },
        'choose another name',
      ],
      ['no password of its own', { [`${own}/password`]: '' }, `${own}/password`],
    ])('refuses %s, by the name of the file and not by its content', async (_, files, message) => {
      const { exitCode, stderr, text } = await login(files)
      expect({ exitCode, text }).toEqual({ exitCode: 1, text: null })
      expect(stderr).toContain(message)
      expect(stderr).not.toContain('admin')
    })
  })

  it('names a pod as DNS does, whatever its address', async () => {
    const name = async (ip: string) => (await init('@@pod-dashed@@\n', {}, { POD_IP: ip })).text
    expect(await name('10.1.2.3')).toBe('10-1-2-3\n')
    expect(await name('fd00::1')).toBe('fd00--1\n')
  })

  describe.skipIf('missing' in tools)('on the files of the chart', () => {
    const files = [
      ['schema-registry', 'schema-registry.properties', 'kafkastore.'],
      ['kafka-connect', 'connect-distributed.properties', 'producer.'],
      ['ksqldb-server', 'ksql-server.properties', ''],
    ] as const
    it.each(files)('leaves no placeholder in %s', async (name, file, prefix) => {
      const config = dataOf(await render(), `${name}-config`)
      const { text } = await init(config[file]!, { username: name, password: hostile }, {}, stores)
      expect(text).not.toContain('@@pod')
      const properties = parseProperties(text!)
      expect(properties.get(`${prefix}security.protocol`)?.value).toBe('SASL_SSL')
      expect(parseJaas(properties.get(`${prefix}sasl.jaas.config`)!.value)?.options).toMatchObject({
        password: hostile,
      })
    })

    it('gives the UI the cluster, the registry, Connect and ksqlDB, read-only', async () => {
      const config = dataOf(await render(), 'kafka-ui-config')
      const { text } = await init(config['application.yaml']!, { username: 'kafka-ui', password: hostile })
      const [cluster] = parse(text!).kafka.clusters
      expect(cluster).toMatchObject({
        bootstrapServers: 'kafka-service.kafka.svc.cluster.local:9092',
        readOnly: true,
        schemaRegistry: 'http://schema-registry-service.kafka.svc.cluster.local:8081',
        kafkaConnect: [{ address: 'http://kafka-connect-service.kafka.svc.cluster.local:8083' }],
        ksqldbServer: 'http://ksqldb-service.kafka.svc.cluster.local:8088',
      })
      expect(parseJaas(cluster.properties['sasl.jaas.config'])?.options).toMatchObject({ password: hostile })
    })

    it('gives the UI the stores, users and passwords of services with TLS and a login, as values that Spring leaves alone', async () => {
      const secured = { tls: { enabled: true }, login: { enabled: true } }
      const config = dataOf(
        await render({ schemaRegistry: secured, connect: secured, ksqldb: secured }),
        'kafka-ui-config',
      )
      const logins = ['schema-registry', 'kafka-connect', 'ksqldb'].flatMap((base) => [
        [`/etc/selfmonitor/secrets/${base}-login/username`, 'selfmonitor'],
        [`/etc/selfmonitor/secrets/${base}-login/password`, `of-${base}`],
      ])
      const files = { '/run/kafka-ui/store-password': 'of-the-store', ...Object.fromEntries(logins) }
      const { text } = await init(config['application.yaml']!, { username: 'kafka-ui', password: hostile }, {}, files)
      const [cluster] = parse(text!).kafka.clusters
      const store = '/run/kafka-ui/truststore.p12'
      expect(cluster).toMatchObject({
        ssl: { truststoreLocation: store, truststorePassword: 'of-the-store' },
        // kafbat hands the one above to its Kafka clients: another type would not fit its password.
        properties: { 'ssl.truststore.type': 'PKCS12', 'ssl.truststore.location': store },
        schemaRegistry: 'https://schema-registry-service.kafka.svc.cluster.local:8081',
        schemaRegistryAuth: { username: 'selfmonitor', password: 'of-schema-registry' },
        kafkaConnect: [
          {
            ...{ address: 'https://kafka-connect-service.kafka.svc.cluster.local:8083', username: 'selfmonitor' },
            password: 'of-kafka-connect',
          },
        ],
        ksqldbServer: 'https://ksqldb-service.kafka.svc.cluster.local:8088',
        ksqldbServerAuth: { username: 'selfmonitor', password: 'of-ksqldb' },
      })
    })

    it('needs no Secret without security', async () => {
      const config = dataOf(await render({ environment: 'development' }), 'schema-registry-config')
      const { text } = await init(config['schema-registry.properties']!, {})
      expect(text).toContain('kafkastore.security.protocol=PLAINTEXT')
      expect(text).toContain('host.name=10.1.2.3')
    })
  })
})

describe.skipIf('missing' in tools)('infrastructure.yaml', () => {
  let count = 0
  async function load(values: Json, file: 'infrastructure.yaml' | 'platform.yaml' = 'infrastructure.yaml') {
    const objects = await render(values)
    const place = join(folder, `platform-${++count}`)
    const job = ofKind(objects, 'Job').find(({ metadata }) => metadata.name.startsWith('kafka-setup'))!
    const volume = job.spec.template.spec.volumes.find(({ name }: Json) => name === 'platform')
    for (const { configMap } of volume.projected.sources)
      for (const { key, path } of configMap.items) {
        await mkdir(dirname(join(place, path)), { recursive: true })
        await writeFile(join(place, path), dataOf(objects, configMap.name)[key]!)
      }
    return loadPlatform(join(place, file), { environment: values.environment ?? 'production' })
  }
  const environments = ['production', 'staging', 'development']

  it.each(environments)(
    'is a platform file that the setup Job accepts in %s, with security and without',
    async (environment) => {
      const shared = { environment }
      const secured = await load({ ...shared, security: { enabled: true } })
      expect(secured).toMatchObject({ access: 'acls' })
      expect(secured.users?.map(({ name }) => name).sort()).toEqual([
        'helm-test',
        'kafka-connect',
        'kafka-exporter',
        'kafka-operator',
        'kafka-ui',
        'ksqldb',
        'schema-registry',
      ])
      const open = await load({ ...shared, security: { enabled: false, acceptInsecure: true } })
      expect(open.users ?? []).toEqual([])
      expect(open.topics).toEqual(secured.topics.map(({ at, ...topic }) => expect.objectContaining(topic)))
    },
  )

  it.each(environments)(
    'comes with a platform.yaml in %s whose access is what security of the release is',
    async (environment) => {
      expect(await load({ environment, security: { enabled: true } }, 'platform.yaml')).toMatchObject({
        access: 'acls',
      })
      const open = await load({ environment, security: { enabled: false, acceptInsecure: true } }, 'platform.yaml')
      expect(open.access ?? 'none').toBe('none')
      expect(open.topics).toHaveLength(11)
    },
  )

  it('comes with a platform.yaml without schemas when there is no registry to take them', async () => {
    const schemas = async (values: Json) =>
      (await load(values, 'platform.yaml')).topics.filter(({ schema }) => schema !== undefined).length
    expect(await schemas({ schemaRegistry: { enabled: false } })).toBe(0)
    const elsewhere = { setup: { schemaRegistryUrl: 'https://registry.example.com' } }
    expect(await schemas({ schemaRegistry: { enabled: false }, ...elsewhere })).toBe(11)
  })

  it('is empty when setup is off, so that the Job only marks the quorum as formed', async () => {
    for (const environment of environments) {
      const { topics, users, access } = await load({ environment, setup: { enabled: false } })
      expect({ topics, users: users ?? [], access: access ?? 'none' }).toEqual({
        topics: [],
        users: [],
        access: 'none',
      })
    }
  })

  it('gives the UI no write access unless ui.readOnly is false', async () => {
    const operations = async (values: Json) =>
      new Set(
        (await load(values)).users!.find(({ name }) => name === 'kafka-ui')!.acls.flatMap((acl) => acl.operations),
      )
    expect(await operations({})).toEqual(new Set(['describe', 'describe-configs', 'read']))
    expect(await operations({ ui: { readOnly: false } })).toContain('delete')
  })

  it('shows in the UI the messages of the topics that are named, not of audit, compliance and connectors', async () => {
    const readable = async (values: Json) =>
      (await load(values))
        .users!.find(({ name }) => name === 'kafka-ui')!
        .acls.filter((acl) => acl.resourceType === 'topic' && acl.operations.includes('read'))
        .map((acl) => acl.resourceName)
    expect(await readable({})).toContain('transaction.events')
    for (const readOnly of [true, false])
      expect((await readable({ ui: { readOnly } })).join()).not.toMatch(/\*|audit|compliance|connect/)
    expect(await readable({ ui: { access: { read: [{ topic: '*' }] } } })).toEqual(['*'])
  })

  it('lets the exporter look at everything, change nothing, and read no messages of audit and compliance', async () => {
    const { acls } = (await load({})).users!.find(({ name }) => name === 'kafka-exporter')!
    expect(new Set(acls.flatMap(({ operations }) => operations))).toEqual(
      new Set(['describe', 'describe-configs', 'read']),
    )
    const read = acls.filter(({ operations }) => operations.includes('read'))
    expect(read.map(({ resourceType }) => resourceType)).not.toContain('group')
    const topics = read.map(({ resourceName }) => resourceName)
    expect(topics).toContain('transaction.events')
    expect(topics.join()).not.toMatch(/\*|audit|compliance/)
    expect((await load({ monitoring: { exporter: { enabled: false } } })).users!.map(({ name }) => name)).not.toContain(
      'kafka-exporter',
    )
  })

  it('lets operators change and delete the topics of platform.yaml that are not protected, and read what the UI shows', async () => {
    const { acls } = (await load({})).users!.find(({ name }) => name === 'kafka-operator')!
    const covering = (topic: string, operation: string) =>
      acls.filter(
        ({ resourceType, resourceName, pattern, operations }) =>
          resourceType === 'topic' &&
          (operations as readonly string[]).includes(operation) &&
          (resourceName === '*' ||
            resourceName === topic ||
            (pattern === 'prefixed' && topic.startsWith(resourceName))),
      )
    for (const topic of ['user.events', 'user.events.dlq', 'transaction.events', 'test-orders'])
      for (const operation of ['alter', 'alter-configs', 'delete', 'read', 'describe'])
        expect(covering(topic, operation), `${operation} ${topic}`).not.toEqual([])
    for (const topic of ['audit.events', 'compliance.events', 'audit.events.dlq', '_schemas', 'connect-configs'])
      for (const operation of ['alter', 'alter-configs', 'delete', 'read', 'all'])
        expect(covering(topic, operation), `${operation} ${topic}`).toEqual([])
    for (const topic of ['compliance.events', 'audit.events.dlq', '_schemas', 'connect-configs', 'user.events'])
      expect(covering(topic, 'write'), topic).toEqual([])
    // What the operators change is recorded there.
    expect(covering('audit.events', 'write')).not.toEqual([])
  })

  it('gives Alter on the cluster to no component, and to operators only with operator.alterCluster', async () => {
    const { users } = await load({ operator: { alterCluster: false } })
    const operator = (await load({})).users!.find(({ name }) => name === 'kafka-operator')!
    expect(operator.acls.find((acl) => acl.resourceType === 'cluster')!.operations).toContain('alter')
    for (const { name, acls } of users!)
      for (const acl of acls) {
        if (acl.resourceType === 'cluster')
          expect(acl.operations, name).not.toEqual(
            expect.arrayContaining([expect.stringMatching(/^(all|alter|cluster-action)$/)]),
          )
        if (acl.operations.includes('all'))
          expect(acl, name).toMatchObject({ pattern: 'prefixed', resourceName: '_confluent-ksql-selfmonitor_' })
      }
  })

  it('has as many replicas as there are brokers, at most three', async () => {
    const replicas = async (values: Json) =>
      (await load(values)).topics.map(({ replicationFactor }) => replicationFactor)
    expect(new Set(await replicas({ kafka: { replicaCount: 5 } }))).toEqual(new Set([3]))
    expect(new Set(await replicas({ environment: 'development' }))).toEqual(new Set([1]))
  })
})

describe('setup.sh', () => {
  let count = 0
  /** Starts it with a command of ours in the place of `selfmonitor`. */
  async function start(
    selfmonitor: string,
    env: Record<string, string> = {},
  ): Promise<{ child: ChildProcess; place: string }> {
    const place = join(folder, `setup-${++count}`)
    await mkdir(place, { recursive: true })
    await writeFile(join(place, 'selfmonitor'), `#!/bin/sh\necho "$@" >> ${place}/calls\n${selfmonitor}\n`)
    await chmod(join(place, 'selfmonitor'), 0o755)
    // Its own folder in the place of /tmp, which tests share.
    await writeFile(
      join(place, 'setup.sh'),
      (await readFile(script('setup.sh'), 'utf8')).replaceAll('/tmp/', `${place}/`),
    )
    const child = spawn('/bin/sh', [join(place, 'setup.sh')], {
      env: { PATH: `${place}:${process.env.PATH}`, ENVIRONMENT: 'production', WAIT: '1s', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return { child, place }
  }
  async function finish({ child, place }: Awaited<ReturnType<typeof start>>) {
    let stdout = ''
    child.stdout!.on('data', (chunk) => {
      stdout += chunk
    })
    const exitCode = await new Promise((resolve) => child.on('close', resolve))
    const calls = await readFile(join(place, 'calls'), 'utf8').catch(() => '')
    return { exitCode, last: stdout.trimEnd().split('\n').at(-1), calls: calls.trimEnd().split('\n') }
  }

  const applies = (file: string) =>
    `setup --wait 1s --env production --yes --confirm production --file /etc/selfmonitor/platform/${file}`

  it('applies infrastructure.yaml before platform.yaml, confirms its environment, and marks the quorum as formed', async () => {
    const { exitCode, last, calls } = await finish(await start('exit 0', { MARK_FORMED: 'true' }))
    expect({ exitCode, last }).toEqual({ exitCode: 0, last: 'setup: done' })
    expect(calls).toEqual([applies('infrastructure.yaml'), 'kubernetes mark-formed', applies('platform.yaml')])
  })

  it('marks the quorum as formed also when platform.yaml cannot be applied', async () => {
    const failing = 'case $* in *platform.yaml) echo "error no" >&2; exit 4 ;; esac'
    const { exitCode, calls } = await finish(await start(failing, { MARK_FORMED: 'true' }))
    expect(exitCode).toBe(4)
    expect(calls).toContain('kubernetes mark-formed')
  })

  it('marks the quorum and does not apply the platform when setup is off', async () => {
    const { last, calls } = await finish(await start('exit 0', { MARK_FORMED: 'true', APPLY_PLATFORM: 'false' }))
    expect(last).toBe('setup: done')
    expect(calls).toEqual([applies('infrastructure.yaml'), 'kubernetes mark-formed'])
  })

  it('prints the reason last, and exits with the code of the failed command', async () => {
    const failing = `echo waiting >&2; echo 'error The topic user.events cannot shrink.' >&2; echo '      Make a new one.' >&2; exit 4`
    const { exitCode, last, calls } = await finish(await start(failing, { MARK_FORMED: 'true' }))
    expect(exitCode).toBe(4)
    expect(last).toBe(
      'setup: FAILED: infrastructure.yaml (exit code 4): error The topic user.events cannot shrink. Make a new one.',
    )
    expect(calls).toHaveLength(1)
  })

  it('reports SIGTERM as the reason and stops the command', async () => {
    const started = await start(`echo $$ > "$(dirname "$0")/pid"; echo started >&2; exec sleep 600`)
    await new Promise<void>((resolve) => started.child.stderr!.on('data', () => resolve()))
    const finished = finish(started)
    started.child.kill('SIGTERM')
    expect(await finished).toMatchObject({ exitCode: 143, last: expect.stringContaining('stopped by SIGTERM') })
    const pid = Number(await readFile(join(started.place, 'pid'), 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})
