// The chart runs: its production preset with security on, three controllers and three brokers of real Apache Kafka, through what
// a cluster meets in its life; then every command of the runbook's section "Operations", and of scaling to five brokers and back,
// as written, inside of kafka-0. One cluster for all of it, because it takes a minute to come up: each test leaves it healthy.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  clientPod,
  copySecret,
  type KafkaCluster,
  missingForCluster,
  openTools,
  startKafka,
  toolsPod,
} from './index.ts'
import { type Kubectl, startKubectl } from './kubectl.ts'
import { expectations, operations, prepareState, runBlock, scaleExpectations, scaling } from './operations.ts'

const missing = missingForCluster()
const long = 240_000
const begun = Date.now()
const progress = (line: string) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`)

const domain = 'kafka.svc.cluster.local'
const bootstrap = `kafka-service.${domain}:9092`
const registry = `http://schema-registry-service.${domain}:8081`
/** Inside a broker's pod, as its super user. */
const asBroker = '--bootstrap-server localhost:9092 --command-config /run/kafka/client.properties'
const accounts = ['user-service', 'analytics-service', 'payment-service', 'admin']
const propertiesOf = (account: string) => `/secrets/kafka-user-${account}/client.properties`
/** Inside a client's pod, as one of its accounts. */
const as = (account: string) => `--bootstrap-server ${bootstrap} --command-config ${propertiesOf(account)}`

const script = (name: string) => fileURLToPath(new URL(`../../../infra/k8s/kafka/scripts/${name}`, import.meta.url))

describe.skipIf(missing !== null)('the chart, running', () => {
  let kafka: KafkaCluster
  let kubectl: Kubectl

  const inBroker = async (command: string) => {
    const result = await kafka.exec('kafka-0', command)
    if (result.exitCode !== 0) throw new Error(`${command}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }
  const inClient = (command: string, timeoutMs = 60_000) =>
    kafka.exec('client', ['bash', '-c', command], { namespace: 'selfmonitor', timeoutMs })
  /** Kafka's image has no curl. */
  const curl = (url: string, ...options: readonly string[]) =>
    kafka.exec('node', ['curl', '-sS', ...options, url], { namespace: 'selfmonitor' })
  const quorum = async () => {
    const status = await inBroker(`kafka-metadata-quorum ${asBroker} describe --status`)
    const voters = /^CurrentVoters:\s+(.*)$/m.exec(status)?.[1] ?? ''
    return {
      leader: Number(/^LeaderId:\s+(\d+)/m.exec(status)![1]),
      voters: [...voters.matchAll(/"id": (\d+)/g)].map(([, id]) => Number(id)).sort(),
    }
  }

  beforeAll(async () => {
    const resources = { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: 'none' } }
    kafka = await startKafka({
      onProgress: progress,
      values: { connect: { enabled: true, replicaCount: 1, allowedNamespaces: ['selfmonitor'], resources } },
    })
    const secrets = accounts.map((account) => `kafka-user-${account}`)
    for (const secret of secrets) {
      await copySecret(kafka, secret, 'selfmonitor')
      await copySecret(kafka, secret, 'foreign')
    }
    await kafka.apply([
      clientPod('client', 'selfmonitor', { secrets }),
      clientPod('service', 'selfmonitor', { secrets, image: 'registry.selfmonitor.com/streams/selfmonitor:0.1.0' }),
      clientPod('node', 'selfmonitor', { secrets, image: 'node:24' }),
      clientPod('client', 'foreign', { secrets }),
      clientPod('prometheus', 'monitoring', { image: 'node:24' }),
    ])
    await kafka.waitReady(['client', 'service', 'node'], { namespace: 'selfmonitor' })
    kubectl = await startKubectl(kafka)
  }, 900_000)
  afterAll(async () => {
    await kubectl?.close()
    await kafka?.stop()
    progress('everything is removed')
  }, 120_000)

  test('three controllers are voters, and three brokers are registered, each in its node’s zone', async () => {
    expect((await quorum()).voters).toEqual([1000, 1001, 1002])
    const versions = await inBroker(`kafka-broker-api-versions ${asBroker}`)
    const lines = [...versions.matchAll(/^(\S+):9092 \(id: (\d+) rack: (\S+) /gm)]
    expect(lines.map(([, host, id, rack]) => [host, id, rack]).sort()).toEqual(
      [0, 1, 2].map((id) => [
        `kafka-${id}.kafka-headless.${domain}`,
        String(id),
        kafka.pod(`kafka-${id}`)!.node.replace('node', 'zone'),
      ]),
    )
  })

  test(
    'platform.yaml of production is applied; applied again, nothing changes',
    async () => {
      const topics = await inBroker(`kafka-topics ${asBroker} --describe`)
      const described = [...topics.matchAll(/^Topic: ([a-z]+\.[a-z]+)\s.*ReplicationFactor: (\d)\s.*Configs: (.*)$/gm)]
      expect(described).toHaveLength(11)
      for (const [, name, replicas, configs] of described) {
        expect(replicas, name).toBe('3')
        expect(configs, name).toContain('min.insync.replicas=2')
      }
      const subjects = await curl(`${registry}/subjects`)
      expect(JSON.parse(subjects.stdout)).toHaveLength(64)

      const setup = kafka.get('Job', kafka.jobName('kafka-setup'))!
      await kafka.apply([{ ...setup, metadata: { ...setup.metadata, name: 'setup-again', uid: undefined } }])
      const again = await kafka.waitForJob('setup-again', { timeoutMs: long })
      expect(again.succeeded, again.log).toBe(true)
      expect(again.log.match(/nothing to change/g)).toHaveLength(2)
      await kafka.delete('Job', 'setup-again')
    },
    long,
  )

  test('no password appears in an argument, in the environment or in the log of any process', async () => {
    const passwords = kafka
      .list('Secret')
      .filter((secret) => secret.metadata.name.startsWith('kafka-user-'))
      .map((secret) => Buffer.from(secret.data.password, 'base64').toString())
    expect(passwords.length).toBeGreaterThan(10)
    for (const pod of kafka.pods('kafka')) {
      for (const { name, pid } of [...pod.initContainers, ...pod.containers]) {
        const inside = pid
          ? await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')))
          : []
        const all = [kafka.logs(pod.name, { container: name }), ...inside].join('\n')
        expect(
          passwords.filter((password) => all.includes(password)),
          `${pod.name} ${name}`,
        ).toEqual([])
      }
    }
  })

  test(
    'an account works from a named namespace: with Kafka’s console tools',
    async () => {
      const sent = await inClient(
        `printf 'first\\nsecond\\n' | kafka-console-producer ${as('user-service')} --topic user.events`,
      )
      expect(sent.stderr).not.toContain('ERROR')
      const read = await inClient(
        `kafka-console-consumer ${as('analytics-service')} --topic user.events --group analytics-service \
         --from-beginning --max-messages 2 --timeout-ms 30000`,
      )
      expect(read.stdout.trim().split('\n').sort()).toEqual(['first', 'second'])
    },
    long,
  )

  test(
    'an account works with a client that is neither Kafka’s nor ours',
    async () => {
      // kafkajs. librdkafka before 2.6.1, and so the kcat of Debian, cannot do SCRAM with Kafka 4 (librdkafka#4895).
      const script = `const { Kafka, logLevel } = require('kafkajs'); const fs = require('node:fs')
      const secret = (key) => fs.readFileSync('/secrets/kafka-user-user-service/' + key, 'utf8')
      const sasl = { mechanism: 'scram-sha-512', username: secret('username'), password: secret('password') }
      const options = { brokers: ['${bootstrap}'], ssl: { ca: [secret('ca.crt')] }, sasl, logLevel: logLevel.NOTHING }
      const producer = new Kafka(options).producer()
      producer.connect()
        .then(() => producer.send({ topic: 'user.events', acks: -1, messages: [{ value: 'third' }] }))
        .then((sent) => { console.log(sent[0].errorCode); return producer.disconnect() })`
      const result = await kafka.exec('node', ['node', '-e', script], { namespace: 'selfmonitor' })
      expect(result, result.stderr).toMatchObject({ exitCode: 0, stdout: '0\n' })
    },
    long,
  )

  test(
    'an account works with our library, which finds the schema that was registered',
    async () => {
      const event = `user_logged_in --user u-1 --data '{"method":"password","mfa":false,"session_id":"s-1"}'`
      const emitted = await kafka.exec('service', `selfmonitor events emit user.events ${event}`, {
        namespace: 'selfmonitor',
        env: {
          SELFMONITOR_COMMAND_CONFIG: propertiesOf('user-service'),
          KAFKA_BOOTSTRAP_SERVERS: bootstrap,
          SCHEMA_REGISTRY_URL: registry,
        },
      })
      expect(emitted.exitCode, emitted.stderr).toBe(0)
    },
    long,
  )

  test(
    'a wrong password, no account at all, and an account without an ACL are refused',
    async () => {
      const properties = propertiesOf('user-service')
      const list = (file: string) => `kafka-topics --bootstrap-server ${bootstrap} --command-config ${file} --list`
      const wrong = await inClient(
        `text=$(<${properties}); before=\${text%%password=*}; after=\${text#*password=\\"*\\"}
         printf '%s' "\${before}password=\\"wrong\\"$after" >/tmp/wrong.properties; ${list('/tmp/wrong.properties')}`,
      )
      expect(wrong.exitCode).not.toBe(0)
      expect(wrong.stdout + wrong.stderr).toContain('SaslAuthenticationException')

      const nobody = await inClient(
        `{ while IFS= read -r line; do if [[ $line == ssl* ]]; then printf '%s\\n' "$line"; fi; done <${properties}
         echo security.protocol=SSL; echo default.api.timeout.ms=8000; echo request.timeout.ms=5000
       } > /tmp/nobody.properties; ${list('/tmp/nobody.properties')}`,
      )
      expect(nobody.exitCode).not.toBe(0)
      expect(nobody.stdout).not.toContain('user.events')

      const foreign = await inClient(
        `echo mine | kafka-console-producer ${as('user-service')} --topic transaction.events`,
      )
      expect(foreign.stdout + foreign.stderr).toContain('TopicAuthorizationException')
      const seen = (await inClient(list(propertiesOf('payment-service')))).stdout.split('\n')
      expect(seen).toContain('transaction.events')
      expect(seen).not.toContain('user.events')
    },
    long,
  )

  test(
    'a pod of a namespace that is not named cannot connect; once it is named, the same pod can',
    async () => {
      // 124: given up by `timeout`, as with a dropped packet; a refused connection would end at once, with 1.
      const tryFrom = async (namespace: string, target: string) => {
        const command = `timeout 4 bash -c "exec 3<>/dev/tcp/${target}"`
        return (await kafka.exec('client', command, { namespace })).exitCode
      }
      const broker = `kafka-0.kafka-headless.${domain}/9092`
      expect(await tryFrom('foreign', broker)).toBe(124)
      await kafka.upgrade({ security: { clientNamespaces: ['selfmonitor', 'foreign'] } })
      expect(await tryFrom('foreign', broker)).toBe(0)
      await kafka.upgrade({})
      expect(await tryFrom('foreign', broker)).toBe(124)
      // The listener between brokers, and the controllers, are for brokers and controllers alone.
      expect(await tryFrom('selfmonitor', `kafka-0.kafka-headless.${domain}/9091`)).toBe(124)
      expect(await tryFrom('selfmonitor', `kafka-controller-0.kafka-controller-headless.${domain}/9093`)).toBe(124)
    },
    long,
  )

  test(
    'metrics are read from the namespace that is named for Prometheus, and from no other',
    async () => {
      const url = `http://kafka-0.kafka-headless.${domain}:5556/metrics`
      const scraped = await kafka.exec('prometheus', `curl -sS --max-time 20 ${url}`, { namespace: 'monitoring' })
      expect(scraped.stdout).toMatch(/^kafka_server_replicamanager_leadercount \d/im)
      expect((await curl(url, '--max-time', '4')).exitCode).toBe(28)
    },
    long,
  )

  test(
    'Connect keeps its state in its own topics; a connector may read what is declared and no more',
    async () => {
      const rest = `http://kafka-connect-service.${domain}:8083/connectors`
      const sink = (name: string, topic: string) => {
        const connector = { 'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector', topics: topic }
        const text = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' }
        const config = JSON.stringify({ ...connector, ...text, file: `/tmp/${name}` })
        return curl(`${rest}/${name}/config`, '-X', 'PUT', '-H', 'Content-Type: application/json', '-d', config)
      }
      expect((await sink('archive', 'user.events')).stdout).toContain('"name":"archive"')
      await sink('curious', '_schemas')
      await inClient(`echo for the archive | kafka-console-producer ${as('user-service')} --topic user.events`)
      const worker = kafka.pods('kafka').find((pod) => pod.labels.app === 'kafka-connect')!
      await kafka.waitFor('the archive has what was produced', async () =>
        (await kafka.exec(worker.name, 'cat /tmp/archive')).stdout.includes('for the archive'),
      )
      const refused = await kafka.waitFor('the curious one fails', async () => {
        const { stdout } = await curl(`${rest}/curious/status`)
        const task = JSON.parse(stdout).tasks?.[0] as { state: string; trace: string } | undefined
        return task?.state === 'FAILED' ? task : null
      })
      expect(refused.trace).toContain('AuthorizationException')
      expect(await inBroker(`kafka-get-offsets ${asBroker} --topic connect-configs`)).toMatch(/connect-configs:0:[1-9]/)
      for (const name of ['archive', 'curious']) await curl(`${rest}/${name}`, '-X', 'DELETE')
    },
    long,
  )

  test('a broker that is killed restarts with its data, and no acknowledged record is lost', async () => {
    const count = 2_000
    const producing = inClient(
      `kafka-verifiable-producer ${as('admin')} --topic system.events --max-messages ${count} --throughput 150 --acks -1`,
      long,
    )
    await kafka.waitFor('the first records are on the brokers', async () =>
      (await inBroker(`kafka-get-offsets ${asBroker} --topic system.events`)).match(/:[1-9]\d*$/m),
    )
    await kafka.kill('kafka-1', 'SIGKILL')
    const { stdout } = await producing
    const acknowledged = stdout
      .split('\n')
      .filter((line) => line.includes('"producer_send_success"'))
      .map((line) => JSON.parse(line).value as string)
    expect(acknowledged.length).toBeGreaterThan(0)
    await kafka.waitFor('kafka-1 starts again', () => kafka.pod('kafka-1')!.containers[0]!.restarts === 1)
    await kafka.waitReady(['kafka-1'])
    await kafka.waitFor(
      'every replica is in sync',
      async () => (await inBroker(`kafka-topics ${asBroker} --describe --under-replicated-partitions`)) === '',
    )
    const read = await inClient(
      `kafka-console-consumer ${as('admin')} --topic system.events --from-beginning --timeout-ms 15000`,
    )
    const found = new Set(read.stdout.split('\n'))
    expect(acknowledged.filter((value) => !found.has(value))).toEqual([])
    progress(`${acknowledged.length} of ${count} records were acknowledged while kafka-1 was killed; all are there`)
  }, 300_000)

  test(
    'the quorum’s leader is killed: another leads, and topics can be made',
    async () => {
      const before = await quorum()
      const name = `kafka-controller-${before.leader - 1000}`
      await kafka.kill(name, 'SIGKILL')
      const after = await kafka.waitFor('another leader', async () => {
        const now = await quorum().catch(() => null)
        return now && now.leader !== before.leader && now.leader >= 1000 ? now : null
      })
      expect(after.voters).toEqual([1000, 1001, 1002])
      await inBroker(`kafka-topics ${asBroker} --create --topic after.election --partitions 1 --replication-factor 3`)
      await kafka.waitReady([name])
    },
    long,
  )

  test('a controller that lost its volume joins the quorum again, with a new directory', async () => {
    const { leader } = await quorum()
    const follower = [1000, 1001, 1002].find((id) => id !== leader)!
    const name = `kafka-controller-${follower - 1000}`
    const meta = () => readFile(`${kafka.volumeFolder(`data-${name}`)}/logs/meta.properties`, 'utf8')
    const before = await meta()
    await kafka.delete('PersistentVolumeClaim', `data-${name}`)
    await kafka.deletePod(name)
    await kafka.waitReady([name], { timeoutMs: long })
    expect(kafka.logs(name, { container: 'format' })).toContain('joins its quorum')
    await kafka.waitFor('it is a voter', async () => (await quorum()).voters.includes(follower))
    expect(await meta()).not.toBe(before)
  }, 300_000)

  test(
    'a renewed certificate is used without a restart, and clients continue',
    async () => {
      const served = async () => {
        const script = `const host = 'kafka-0.kafka-headless.${domain}'
        const ca = require('node:fs').readFileSync('/secrets/kafka-user-admin/ca.crt')
        const socket = require('node:tls').connect({ host, port: 9092, servername: host, ca },
          () => { console.log(socket.getPeerCertificate().serialNumber); socket.destroy() })`
        const { stdout, stderr } = await kafka.exec('node', ['node', '-e', script], { namespace: 'selfmonitor' })
        expect(stderr).toBe('')
        return stdout.trim()
      }
      const before = await served()
      const { restarts } = kafka.pod('kafka-0')!.containers[0]!
      const consuming = inClient(
        `kafka-console-consumer ${as('admin')} --topic notification.events --max-messages 1 --timeout-ms 90000 --from-beginning`,
        120_000,
      )
      await kafka.delete('Secret', 'kafka-broker-tls')
      const renewed = await kafka.runCronJob('kafka-credentials-renew')
      expect(renewed.log).toContain('1 created, 0 renewed')
      await kafka.waitFor('the new certificate is taken', async () =>
        (await kafka.exec('kafka-0', '/opt/selfmonitor/bin/reload-certificates.sh')).stdout.includes(
          'New connections to this node get the new certificate',
        ),
      )
      // Brokers take settings from the metadata log, a moment after they are acknowledged.
      await kafka.waitFor('the new certificate is served', async () => (await served()) !== before)
      expect(kafka.pod('kafka-0')!.containers[0]!.restarts).toBe(restarts)
      await inClient(`echo go on | kafka-console-producer ${as('user-service')} --topic notification.events`)
      expect((await consuming).stdout).toBe('go on\n')
    },
    long,
  )

  test('the brokers’ password is changed while they run, and a broker that restarts meanwhile works with those that have the old one', async () => {
    const secret = kafka.get('Secret', 'kafka-user-kafka-broker')!
    const tell = async (pod: string, ...options: readonly string[]) => {
      const told = await kubectl.run(script('set-password.sh'), ['kafka-broker', ...options], { POD: pod })
      expect(told.exitCode, told.stdout + told.stderr).toBe(0)
    }
    const encode = (text: string) => Buffer.from(text).toString('base64')
    await kafka.apply([{ ...secret, data: { ...secret.data, password: encode('another-password') } }])
    expect((await kafka.runCronJob('kafka-credentials-renew')).exitCode).toBe(0)
    await tell('kafka-0')
    await kafka.waitFor('kafka-0 is refused with what it had at its start', async () => {
      const { stdout, stderr } = await kafka.exec('kafka-0', `kafka-topics ${asBroker} --list`)
      return `${stdout}${stderr}`.includes('SaslAuthenticationException')
    })
    await kafka.deletePod('kafka-1')
    await kafka.waitReady(['kafka-1'], { timeoutMs: long })
    // In sync with brokers that have the old password, as it says itself with the new one.
    const lagging = await kafka.exec('kafka-1', `kafka-topics ${asBroker} --describe --under-replicated-partitions`)
    expect(lagging).toMatchObject({ exitCode: 0, stdout: '' })
    await kafka.apply([secret])
    // kafka-0 is the one whose own settings Kafka does not take now: as admin it still can.
    await tell('kafka-0', '--as-admin')
    expect((await kafka.exec('kafka-0', `kafka-topics ${asBroker} --list`)).exitCode).toBe(0)
  }, 300_000)

  test(
    'helm test passes',
    async () => {
      const [result] = await kafka.helmTest(kafka.objects)
      expect(result, result?.log).toMatchObject({ name: 'kafka-helm-test', exitCode: 0 })
    },
    long,
  )

  describe('commands of users', () => {
    /** Typed in kafka-0, as they have it in their own runbooks: no option that is ours. */
    const typed = async (command: string) => {
      const { exitCode, stdout, stderr } = await kafka.exec('kafka-0', command)
      return { exitCode, said: `${command}\n${stdout}${stderr}` }
    }
    const local = '--bootstrap-server localhost:9092'
    beforeAll(() => openTools(kafka), long)

    test.each([
      [`kafka-topics ${local} --create --topic test-orders --partitions 3 --replication-factor 3`, 'Created topic'],
      [`kafka-topics ${local} --alter --topic test-orders --partitions 6`, ''],
      [`kafka-configs ${local} --describe --entity-type topics --entity-name audit.events`, 'retention.ms=31622400000'],
      [`echo ok | kafka-console-producer ${local} --topic test-orders`, ''],
      [
        `kafka-console-consumer ${local} --topic test-orders --from-beginning --max-messages 1 --timeout-ms 60000 --group test`,
        'ok',
      ],
      [`kafka-consumer-groups ${local} --describe --group test`, 'test-orders'],
      [
        `kafka-consumer-groups ${local} --group test --topic test-orders --reset-offsets --to-earliest --execute`,
        'test',
      ],
      [`kafka-broker-api-versions ${local}`, '(id: 2 '],
      [`kafka-acls ${local} --add --allow-principal User:pasted --operation Read --topic test-orders`, 'Adding ACLs'],
      [`kafka-acls ${local} --remove --force --allow-principal User:pasted --topic test-orders`, ''],
      [`kafka-log-dirs ${local} --describe --topic-list test-orders`, 'test-orders-5'],
      [`kafka-metadata-quorum ${local} describe --status`, 'LeaderId'],
      [`kafka-topics ${local} --delete --topic test-orders`, ''],
    ])('in kafka-0: %s', { timeout: long }, async (command, expected) => {
      const { exitCode, said } = await typed(command)
      expect(exitCode, said).toBe(0)
      expect(said.slice(command.length)).toContain(expected)
      expect(said).not.toMatch(/OutOfMemoryError|Exception/)
    })

    test.each([
      [`kafka-topics ${local} --delete --topic audit.events`, 'TopicAuthorizationException'],
      [
        `kafka-configs ${local} --alter --entity-type topics --entity-name audit.events --add-config retention.ms=1`,
        'TopicAuthorizationException',
      ],
      [
        `kafka-console-consumer ${local} --topic audit.events --from-beginning --timeout-ms 20000`,
        'TopicAuthorizationException',
      ],
      [`kafka-topics --bootstrap-server localhost:9093 --list`, '9093 is only for controllers'],
      [`kafka-topics --bootstrap-server kafka:9092 --list`, 'the name cannot be resolved'],
    ])(
      'the operators’ account is not a super user, and commands that cannot work report that: %s',
      { timeout: long },
      async (command, expected) => {
        const { said } = await typed(command)
        expect(said).toContain(expected)
      },
    )

    test('a pod to work in has the tools, the command and curl, and reaches what people ask', {
      timeout: long,
    }, async () => {
      const inTools = async (command: string) => {
        const { exitCode, stdout, stderr } = await kafka.exec(toolsPod(kafka), command)
        return { exitCode, said: `${stdout}${stderr}` }
      }
      expect((await inTools('kafka-topics --bootstrap-server kafka-service:9092 --list')).said).toContain(
        'audit.events',
      )
      expect((await inTools('kafka-topics --bootstrap-server localhost:9092 --list')).said).toContain(
        'kafka-service:9092',
      )
      expect((await inTools('selfmonitor topics list')).said).toContain('audit.events')
      expect((await inTools('selfmonitor schemas list')).said).toContain('user.events-value')
      expect((await inTools('curl -sS http://schema-registry-service:8081/subjects')).said).toContain(
        'audit.events-value',
      )
      expect((await inTools('curl -sS http://kafka-connect-service:8083/connectors')).said).toBe('[]')
      const inside = `timeout 4 bash -c "exec 3<>/dev/tcp/kafka-0.kafka-headless/9091"`
      expect((await inTools(inside)).exitCode).toBe(124)
    })

    test('KAFKA_HEAP_OPTS set by kubectl patch is the broker’s heap, and no tool’s', { timeout: 300_000 }, async () => {
      const set = kafka.get('StatefulSet', 'kafka')!
      const patched = structuredClone(set) as typeof set
      patched.spec.template.spec.containers[0].env.push({ name: 'KAFKA_HEAP_OPTS', value: '-Xms300m -Xmx300m' })
      // Only the last one, for the time's sake.
      patched.spec.updateStrategy.rollingUpdate = { partition: 2 }
      await kafka.apply([patched])
      await kafka.waitFor('kafka-2 has it', () => kafka.logs('kafka-2').includes('with -Xms300m -Xmx300m'), {
        timeoutMs: long,
      })
      await kafka.waitReady(['kafka-2'], { timeoutMs: long })
      // While the tool runs: what every process of the container was started with.
      const seen = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
      const command = `kafka-topics ${local} --list & while kill -0 $! 2>/dev/null; do ${seen}; sleep 0.2; done`
      const { stdout } = await kafka.exec('kafka-2', ['bash', '-c', command])
      expect(stdout).toContain('-Xms300m -Xmx300m')
      expect(stdout).toContain('-Xmx128m')
      expect(stdout).toContain('audit.events')
      await kafka.apply([set])
      await kafka.deletePod('kafka-2')
      await kafka.waitReady(['kafka-2'], { timeoutMs: long })
    })
  })

  describe('the runbook’s commands', () => {
    const timeout = 300_000
    const withTools = async (): Promise<void> => {
      if (!kafka.pods().some(({ labels }) => labels.app === 'kafka-tools')) await openTools(kafka)
    }
    beforeAll(async () => {
      await withTools()
      await prepareState(kafka)
    }, timeout)

    for (const block of operations) {
      test(`${block.heading}, line ${block.line}`, { timeout }, async () => {
        await runBlock(kafka, block, expectations)
      })
    }

    test('Scale to five brokers and back', { timeout: 900_000 }, async () => {
      await withTools()
      await kafka.scale('StatefulSet', 'kafka', 5)
      await kafka.waitReady(['kafka-3', 'kafka-4'], { timeoutMs: timeout })
      const move = async (brokers: string) => {
        const { exitCode, stdout, stderr } = await kubectl.run(script('move-replicas.sh'), [brokers], {
          THROTTLE: '100000000',
        })
        expect(exitCode, stdout + stderr).toBe(0)
        const settings = await inBroker(
          `kafka-configs ${asBroker} --describe --entity-type topics --entity-name user.events`,
        )
        expect(settings, 'the throttle is taken off').not.toContain('throttled')
        const rows = [...stdout.matchAll(/^broker (\d): (\d+) replicas, leads (\d+)$/gm)]
        return { stdout, held: rows.map(([, id, replicas, leads]) => [id, Number(replicas) > 0, Number(leads) > 0]) }
      }
      const holding = (...ids: readonly string[]) => ids.map((id) => [id, true, true])
      expect((await move('0,1,2,3,4')).held).toEqual(holding('0', '1', '2', '3', '4'))
      expect((await move('0,1,2,3,4')).stdout).toContain('nothing to move')
      const down = await move('0,1,2')
      expect(down.held).toEqual(holding('0', '1', '2'))
      expect(down.stdout).toMatch(
        /Current assignment: replicas-before-\d{8}T\d{6}Z\.json\n[\s\S]*No other broker holds a replica\n$/,
      )
      await kafka.scale('StatefulSet', 'kafka', 3)
      const gone = () => !kafka.pod('kafka-3') && !kafka.pod('kafka-4')
      await kafka.waitFor('kafka-3 and kafka-4 are gone', gone, { timeoutMs: timeout })
      for (const block of scaling('scale-gone')) await runBlock(kafka, block, scaleExpectations)
    })
  })
})
