// The chart runs: its production preset with security on, three controllers and three brokers of real Apache Kafka, through what
// a cluster meets in its life. One cluster for the file; each test leaves it as healthy as it found it.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientPod, copySecret, type KafkaCluster, missingForCluster, startKafka } from './index.ts'

const missing = missingForCluster()
const long = 180_000
const begun = Date.now()
const progress = (line: string) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`)

const bootstrap = 'kafka-service.kafka.svc.cluster.local:9092'
/** Inside a broker's pod, as its super user. */
const asBroker = '--bootstrap-server localhost:9092 --command-config /run/kafka/client.properties'
/** Inside a client's pod, as one of its accounts. */
const as = (account: string) =>
  `--bootstrap-server ${bootstrap} --command-config /secrets/kafka-user-${account}/client.properties`

describe.skipIf(missing !== null)('the chart, running', () => {
  let kafka: KafkaCluster

  const inBroker = async (command: string) => {
    const result = await kafka.exec('kafka-0', command)
    if (result.exitCode !== 0) throw new Error(`${command}\n${result.stdout}${result.stderr}`)
    return result.stdout
  }
  const inClient = (command: string, timeoutMs = 60_000) =>
    kafka.exec('client', command, { namespace: 'selfmonitor', timeoutMs })
  const quorum = async () => {
    const status = await inBroker(`kafka-metadata-quorum ${asBroker} describe --status`)
    return {
      leader: Number(/^LeaderId:\s+(\d+)/m.exec(status)![1]),
      voters: [...(/^CurrentVoters:\s+(.*)$/m.exec(status)?.[1] ?? '').matchAll(/"id": (\d+)/g)].map(([, id]) =>
        Number(id),
      ),
    }
  }
  const underReplicated = () => inBroker(`kafka-topics ${asBroker} --describe --under-replicated-partitions`)

  beforeAll(async () => {
    kafka = await startKafka({
      onProgress: progress,
      values: {
        connect: { enabled: true, replicaCount: 1, allowedNamespaces: ['selfmonitor'], resources: connectSize },
      },
    })
    for (const account of ['user-service', 'analytics-service', 'payment-service', 'admin']) {
      await copySecret(kafka, `kafka-user-${account}`, 'selfmonitor')
      await copySecret(kafka, `kafka-user-${account}`, 'foreign')
    }
    const secrets = ['user-service', 'analytics-service', 'payment-service', 'admin'].map(
      (name) => `kafka-user-${name}`,
    )
    await kafka.apply([
      clientPod('client', 'selfmonitor', { secrets }),
      clientPod('kcat', 'selfmonitor', { secrets, image: 'edenhill/kcat:1.7.1' }),
      clientPod('node', 'selfmonitor', { secrets, image: 'node:24' }),
      clientPod('client', 'foreign', { secrets }),
      clientPod('prometheus', 'monitoring', { image: 'node:24' }),
    ])
    await kafka.waitReady(['client', 'kcat', 'node'], { namespace: 'selfmonitor' })
  }, 900_000)
  afterAll(async () => {
    await kafka?.stop()
    progress('everything is removed')
  }, 120_000)

  test('three controllers are voters, and three brokers are registered, each in the zone of its node', async () => {
    expect((await quorum()).voters.sort()).toEqual([1000, 1001, 1002])
    const versions = await inBroker(`kafka-broker-api-versions ${asBroker}`)
    const brokers = [...versions.matchAll(/^(\S+):9092 \(id: (\d+) rack: (\S+) /gm)].map(([, host, id, rack]) => [
      host,
      id,
      rack,
    ])
    expect(brokers.sort()).toEqual(
      [0, 1, 2].map((id) => [
        `kafka-${id}.kafka-headless.kafka.svc.cluster.local`,
        String(id),
        `zone-${'abc'[Object.keys(kafka.pods()).length > 0 ? zoneOf(`kafka-${id}`) : 0]}`,
      ]),
    )
  })

  const zoneOf = (pod: string) => 'abc'.indexOf(kafka.pod(pod)!.node.slice(-1))

  test(
    'platform.yaml of production is there: its 11 topics with three replicas and their schemas; applied again, nothing changes',
    async () => {
      const topics = await inBroker(`kafka-topics ${asBroker} --describe`)
      const declared = [...topics.matchAll(/^Topic: ([a-z]+\.[a-z]+)\s.*ReplicationFactor: (\d)\s.*Configs: (.*)$/gm)]
      const own = declared.filter(([, name]) => !['selfmonitor.helm-test'].includes(name!) && !name!.endsWith('.dlq'))
      expect(own).toHaveLength(11)
      for (const [, , replicas, configs] of own) {
        expect(replicas).toBe('3')
        expect(configs).toContain('min.insync.replicas=2')
      }
      const subjects = await inClient('curl -sS http://schema-registry-service.kafka.svc.cluster.local:8081/subjects')
      expect(JSON.parse(subjects.stdout)).toHaveLength(11)

      const setup = kafka.get('Job', kafka.jobName('kafka-setup'))!
      await kafka.apply([{ ...setup, metadata: { ...setup.metadata, name: 'kafka-setup-again', uid: undefined } }])
      const again = await kafka.waitForJob('kafka-setup-again', { timeoutMs: long })
      expect(again.succeeded).toBe(true)
      expect(again.log.match(/no changes/gi)).toHaveLength(2)
      await kafka.delete('Job', 'kafka-setup-again')
    },
    long,
  )

  test('no password stands in an argument, in the environment or in the log of any process', async () => {
    const passwords = kafka
      .list('Secret')
      .filter((secret) => secret.metadata.name.startsWith('kafka-user-'))
      .map((secret) => Buffer.from(secret.data.password, 'base64').toString())
    expect(passwords.length).toBeGreaterThan(10)
    for (const pod of kafka.pods('kafka')) {
      for (const { name, pid } of [...pod.initContainers, ...pod.containers]) {
        const said = kafka.logs(pod.name, { container: name })
        const process = pid
          ? (await readFile(`/proc/${pid}/cmdline`, 'utf8')) + (await readFile(`/proc/${pid}/environ`, 'utf8'))
          : ''
        for (const password of passwords) {
          expect(said.includes(password), `log of ${pod.name} ${name}`).toBe(false)
          expect(process.includes(password), `arguments and environment of ${pod.name} ${name}`).toBe(false)
        }
      }
    }
  })

  test(
    'an account works from a named namespace: Kafka’s console tools and kcat, each with what its account may do',
    async () => {
      const sent = await inClient(
        `printf 'first\\nsecond\\n' | kafka-console-producer ${as('user-service')} --topic user.events`,
      )
      expect(sent.stderr).not.toContain('ERROR')
      const read = await inClient(
        `kafka-console-consumer ${as('analytics-service')} --topic user.events --group analytics-service --from-beginning --max-messages 2 --timeout-ms 30000`,
      )
      expect(read.stdout.trim().split('\n').sort()).toEqual(['first', 'second'])

      const kcat = await kafka.exec(
        'kcat',
        `s=/secrets/kafka-user-user-service
       printf 'security.protocol=SASL_SSL\\nsasl.mechanisms=SCRAM-SHA-512\\nsasl.username=%s\\nsasl.password=%s\\nssl.ca.location=%s\\n' \
         "$(cat $s/username)" "$(cat $s/password)" "$s/ca.crt" > /tmp/kcat.conf
       echo third | kcat -F /tmp/kcat.conf -b ${bootstrap} -P -t user.events && kcat -F /tmp/kcat.conf -b ${bootstrap} -L -t user.events`,
        { namespace: 'selfmonitor' },
      )
      expect(kcat.stderr).toBe('% Reading configuration from file /tmp/kcat.conf\n'.repeat(2))
      expect(kcat.stdout).toContain('topic "user.events" with 12 partitions')
    },
    long,
  )

  test(
    'a wrong password, no account at all, and an account without an ACL are refused',
    async () => {
      const properties = '/secrets/kafka-user-user-service/client.properties'
      const wrong = await inClient(
        `sed 's/password="[^"]*"/password="wrong"/' ${properties} > /tmp/wrong.properties
       kafka-topics --bootstrap-server ${bootstrap} --command-config /tmp/wrong.properties --list`,
      )
      expect(wrong.exitCode).not.toBe(0)
      expect(wrong.stdout + wrong.stderr).toContain('SaslAuthenticationException')

      const nobody = await inClient(
        `grep '^ssl' ${properties} > /tmp/nobody.properties; echo security.protocol=SSL >> /tmp/nobody.properties
       echo default.api.timeout.ms=8000 >> /tmp/nobody.properties; echo request.timeout.ms=5000 >> /tmp/nobody.properties
       kafka-topics --bootstrap-server ${bootstrap} --command-config /tmp/nobody.properties --list`,
      )
      expect(nobody.exitCode).not.toBe(0)
      expect(nobody.stdout).not.toContain('user.events')

      const others = await inClient(
        `echo mine | kafka-console-producer ${as('user-service')} --topic transaction.events`,
      )
      expect(others.stdout + others.stderr).toContain('TopicAuthorizationException')
      const unseen = await inClient(`kafka-topics ${as('payment-service')} --list`)
      expect(unseen.stdout).not.toContain('user.events')
    },
    long,
  )

  test(
    'a pod of a namespace that is not named cannot connect; once it is named, the same pod can',
    async () => {
      const connect = () =>
        kafka.exec(
          'client',
          'timeout 4 bash -c "exec 3<>/dev/tcp/kafka-0.kafka-headless.kafka.svc.cluster.local/9092"',
          {
            namespace: 'foreign',
          },
        )
      // 124: given up by `timeout`, which is what a dropped packet looks like; a refused connection would end at once with 1.
      expect((await connect()).exitCode).toBe(124)
      await kafka.upgrade({ security: { clientNamespaces: ['selfmonitor', 'foreign'] } })
      expect((await connect()).exitCode).toBe(0)
      const listed = await kafka.exec('client', `kafka-topics ${as('user-service')} --list`, { namespace: 'foreign' })
      expect(listed.stdout).toContain('user.events')
      await kafka.upgrade({})
      expect((await connect()).exitCode).toBe(124)
      // The inter-broker listener and the controllers are for nobody but the brokers and controllers.
      for (const target of [
        'kafka-0.kafka-headless.kafka/9091',
        'kafka-controller-0.kafka-controller-headless.kafka/9093',
      ]) {
        expect((await inClient(`timeout 4 bash -c "exec 3<>/dev/tcp/${target}"`)).exitCode, target).toBe(124)
      }
    },
    long,
  )

  test(
    'metrics are read from the namespace that is named for Prometheus, and from no other',
    async () => {
      const url = 'http://kafka-0.kafka-headless.kafka.svc.cluster.local:5556/metrics'
      const scraped = await kafka.exec('prometheus', `curl -sS --max-time 20 ${url}`, { namespace: 'monitoring' })
      expect(scraped.stdout).toMatch(/^kafka_server_replicamanager_leadercount(\{\})? \d/im)
      const refused = await inClient(`curl -sS --max-time 4 ${url}`)
      expect(refused.exitCode).toBe(28)
    },
    long,
  )

  test('a broker that is killed comes back with its data, and no acknowledged record is lost', async () => {
    const count = 2_000
    const producing = inClient(
      `kafka-verifiable-producer --bootstrap-server ${bootstrap} --command-config /secrets/kafka-user-admin/client.properties \
         --topic system.events --max-messages ${count} --throughput 150 --acks -1`,
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
    await kafka.waitReady(['kafka-1'])
    expect(kafka.pod('kafka-1')!.containers[0]!.restarts).toBe(1)
    expect(kafka.logs('kafka-1', { container: 'format' })).toContain('Formatting')
    expect(await underReplicated()).toBe('')
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
      await kafka.kill(`kafka-controller-${before.leader - 1000}`, 'SIGKILL')
      const after = await kafka.waitFor('another leader', async () => {
        const now = await quorum().catch(() => null)
        return now && now.leader !== before.leader && now.leader >= 1000 ? now : null
      })
      expect(after.voters.sort()).toEqual([1000, 1001, 1002])
      await inBroker(`kafka-topics ${asBroker} --create --topic after.election --partitions 1 --replication-factor 3`)
      await kafka.waitReady([`kafka-controller-${before.leader - 1000}`])
    },
    long,
  )

  test('scaled to five, the new brokers register and take a partition over', async () => {
    await kafka.scale('StatefulSet', 'kafka', 5)
    await kafka.waitReady(['kafka-3', 'kafka-4'], { timeoutMs: long })
    const move = JSON.stringify({
      version: 1,
      partitions: [{ topic: 'after.election', partition: 0, replicas: [3, 4, 0] }],
    })
    await inBroker(`echo '${move}' > /tmp/move.json
      kafka-reassign-partitions ${asBroker} --reassignment-json-file /tmp/move.json --execute`)
    await kafka.waitFor('the partition is moved', async () =>
      (
        await inBroker(`kafka-reassign-partitions ${asBroker} --reassignment-json-file /tmp/move.json --verify`)
      ).includes('is completed'),
    )
    const described = await inBroker(`kafka-topics ${asBroker} --describe --topic after.election`)
    expect(/Isr: ([\d,]+)/.exec(described)![1]!.split(',').sort()).toEqual(['0', '3', '4'])
  }, 300_000)

  test('a controller that lost its volume joins the quorum again, with a new directory', async () => {
    const before = await quorum()
    const follower = [1000, 1001, 1002].find((id) => id !== before.leader)!
    const name = `kafka-controller-${follower - 1000}`
    const directory = await readFile(`${kafka.volumeFolder(`data-${name}`)}/logs/meta.properties`, 'utf8')
    await kafka.delete('PersistentVolumeClaim', `data-${name}`)
    await kafka.deletePod(name)
    await kafka.waitReady([name], { timeoutMs: long })
    expect(kafka.logs(name, { container: 'format' })).toContain('joins its quorum')
    await kafka.waitFor('it is a voter', async () => (await quorum()).voters.includes(follower))
    expect(await readFile(`${kafka.volumeFolder(`data-${name}`)}/logs/meta.properties`, 'utf8')).not.toBe(directory)
  }, 300_000)

  test(
    'a renewed certificate is served without a restart, and clients go on',
    async () => {
      const served = async () => {
        const script = `const tls = require('node:tls'); const fs = require('node:fs')
        const host = 'kafka-0.kafka-headless.kafka.svc.cluster.local'
        const socket = tls.connect({ host, port: 9092, servername: host, ca: fs.readFileSync('/secrets/kafka-user-admin/ca.crt') },
          () => { console.log(socket.getPeerCertificate().serialNumber); socket.end() })`
        const { stdout, stderr } = await kafka.exec('node', ['node', '-e', script], { namespace: 'selfmonitor' })
        expect(stderr).toBe('')
        return stdout.trim()
      }
      const before = await served()
      const restarts = kafka.pod('kafka-0')!.containers[0]!.restarts
      const consuming = inClient(
        `kafka-console-consumer ${as('admin')} --topic notification.events --max-messages 1 --timeout-ms 60000 --from-beginning`,
        90_000,
      )
      await kafka.delete('Secret', 'kafka-broker-tls')
      const renewed = await kafka.runCronJob('kafka-credentials-renew')
      expect(renewed).toMatchObject({ exitCode: 0, log: expect.stringContaining('1 created, 0 renewed') })
      await kafka.waitFor('the new certificate is mounted', async () => {
        const { stdout } = await kafka.exec('kafka-0', '/opt/selfmonitor/bin/reload-certificates.sh')
        return stdout.includes('New connections get the new certificate')
      })
      expect(await served()).not.toBe(before)
      expect(kafka.pod('kafka-0')!.containers[0]!.restarts).toBe(restarts)
      await inClient(`echo go on | kafka-console-producer ${as('user-service')} --topic notification.events`)
      expect((await consuming).stdout).toBe('go on\n')
    },
    long,
  )

  test(
    'Connect answers, keeps its state in its own topics, and its connectors may read what is declared and no more',
    async () => {
      const rest = 'http://kafka-connect-service.kafka.svc.cluster.local:8083'
      const sink = (name: string, topic: string) => {
        const config = {
          'connector.class': 'org.apache.kafka.connect.tools.VerifiableSinkConnector',
          topics: topic,
          id: '0',
        }
        return inClient(
          `curl -sS -X PUT -H 'Content-Type: application/json' -d '${JSON.stringify(config)}' ${rest}/connectors/${name}/config`,
        )
      }
      await sink('archive', 'user.events')
      await sink('curious', '_schemas')
      const state = async (name: string) => {
        const { stdout } = await inClient(`curl -sS ${rest}/connectors/${name}/status`)
        return JSON.parse(stdout).tasks?.[0] as { state: string; trace?: string } | undefined
      }
      await kafka.waitFor('the archive runs', async () => (await state('archive'))?.state === 'RUNNING')
      const refused = await kafka.waitFor('the curious one fails', async () => {
        const task = await state('curious')
        return task?.state === 'FAILED' ? task : null
      })
      expect(refused.trace).toContain('AuthorizationException')
      const topics = await inBroker(`kafka-get-offsets ${asBroker} --topic connect-configs`)
      expect(topics).toMatch(/connect-configs:0:[1-9]/)
    },
    long,
  )

  test(
    'helm test passes',
    async () => {
      const [result] = await kafka.helmTest(kafka.objects)
      expect(result, result?.log).toMatchObject({ name: 'kafka-helm-test', exitCode: 0 })
    },
    long,
  )
})

const connectSize = { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: 'none' } }
