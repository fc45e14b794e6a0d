// An archive of Kafka's loaded classes (class data sharing), as Apache's image has one too: without it every one of the many short
// Java processes of a cluster (formatting, probes, tools) parses two thousand classes again. Made once a machine, in the cache.
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDir, run } from '@selfmonitor/apache'
import { readCertificates, readPrivateKey } from '../../../../packages/kubernetes/src/certificates/inspect.ts'
import { issueCa, issueLeaf } from '../../../../packages/kubernetes/src/certificates/issue.ts'
import { onceInCache } from '../../static/fetch.ts'
import { bundleConfig, inMountOrder } from '../core/bundle.ts'
import { makeRoot } from '../edge/root-folder.ts'
import type { ImageContent } from '../types.ts'

/** Path of the archive inside an image. */
export const archivePath = '/usr/share/java/kafka.jsa'

/**
 * Starts a small secured Kafka and its tools once inside the image, notes the classes they load, and archives those. The archive
 * fits only this Java and the very paths of this image's jars; otherwise Java runs without it.
 * @param name tells images apart in the cache.
 * @returns the archive's file on this machine, or null when it could not be made: things are slower then, not different.
 */
export async function classArchive(name: string, image: ImageContent, classPath: string): Promise<string | null> {
  const { stderr } = await run(join(image.env.JAVA_HOME!, 'bin', 'java'), ['-version'])
  const java = /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown'
  const folder = join(cacheDir(), 'kafka-class-archive', `${name}-java-${java}`)
  try {
    await onceInCache(folder, async (partial) => {
      const work = await mkdtemp(join(tmpdir(), 'class-archive-'))
      try {
        await train(work, image, classPath)
        await cp(join(work, 'out', 'kafka.jsa'), join(partial, 'kafka.jsa'))
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    })
  } catch (error) {
    console.error(
      `No archive of Kafka's classes could be made, everything starts more slowly: ${(error as Error).message}`,
    )
    return null
  }
  const file = join(folder, 'kafka.jsa')
  return existsSync(file) ? file : null
}

async function train(work: string, image: ImageContent, classPath: string): Promise<void> {
  const out = join(work, 'out')
  await mkdir(out, { mode: 0o777 })
  await writeCertificates(out)
  await writeFile(join(out, 'server.properties'), serverProperties)
  await writeFile(join(out, 'client.properties'), clientProperties)
  await writeFile(join(out, 'controller-client.properties'), clientProperties.replace('SASL_SSL', 'SSL'))
  await writeFile(join(out, 'log4j2.yaml'), quietLogging)
  await writeFile(join(out, 'train.sh'), script(classPath))
  await makeRoot(join(work, 'rootfs'))
  const mounts = Object.entries(image.mounts).map(([destination, source]) => ({ destination, source, readOnly: true }))
  const config = bundleConfig({
    container: { name: 'train', image: '', securityContext: { runAsUser: 0, runAsGroup: 0 } },
    pod: { containers: [] },
    hostname: 'localhost',
    args: ['/bin/bash', '/out/train.sh'],
    env: image.env,
    mounts: inMountOrder([...mounts, { destination: '/out', source: out, readOnly: false }]),
    networkNamespace: null,
    cgroupsPath: '/class-archive',
  })
  await writeFile(join(work, 'config.json'), JSON.stringify(config))
  const id = `class-archive-${process.pid}`
  const result = await run('runc', ['--root', join(work, 'runc'), 'run', '--bundle', work, id], { timeoutMs: 300_000 })
  await run('runc', ['--root', join(work, 'runc'), 'delete', '--force', id])
  if (!existsSync(join(out, 'kafka.jsa'))) throw new Error(`${result.stdout.slice(-1000)}${result.stderr.slice(-2000)}`)
}

async function writeCertificates(out: string): Promise<void> {
  const now = new Date()
  const ca = await issueCa('training', 3_600_000, now)
  const [certificate] = readCertificates(ca.certificate)
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  const issuer = { certificate: certificate!, key: readPrivateKey(ca.key) }
  const leaf = await issueLeaf(issuer, 'training', names, 3_600_000, now)
  await writeFile(join(out, 'ca.crt'), ca.certificate)
  await writeFile(join(out, 'keystore.pem'), leaf.key + leaf.certificate)
}

const serverProperties = `process.roles=broker,controller
node.id=0
controller.quorum.bootstrap.servers=localhost:9093
controller.listener.names=CONTROLLER
listeners=CLIENT://localhost:9092,CONTROLLER://localhost:9093
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:SSL
log.dirs=/out/logs
ssl.keystore.type=PEM
ssl.keystore.location=/out/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/out/ca.crt
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="training" password="training";
listener.name.controller.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:training;User:CN=training
offsets.topic.replication.factor=1
`

const clientProperties = `security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="training" password="training";
ssl.truststore.type=PEM
ssl.truststore.location=/out/ca.crt
ssl.keystore.type=PEM
ssl.keystore.location=/out/keystore.pem
`

const quietLogging = `Configuration:
  Appenders:
    Console:
      name: STDOUT
      target: SYSTEM_OUT
      PatternLayout:
        pattern: "%d %p [%c{1}] %m%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        - ref: STDOUT
`

function script(classPath: string): string {
  return `
cd /out
java=(java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile=/out/log4j2.yaml -cp '${classPath}')
train() { local list=$1; shift; "\${java[@]}" "-XX:DumpLoadedClassList=/out/$list.lst" "$@"; }
client="--bootstrap-server localhost:9092 --command-config client.properties"
train format kafka.tools.StorageTool format --standalone --cluster-id=AAAAAAAAAAAAAAAAAAAAAA --config=server.properties "--add-scram=SCRAM-SHA-512=[name=training,password=training]"
train server kafka.Kafka server.properties &
until (exec 3<>/dev/tcp/localhost/9092) 2>/dev/null; do
  sleep 0.2
  kill -0 $! || exit 1
done
train topics org.apache.kafka.tools.TopicCommand $client --create --topic training
train quorum org.apache.kafka.tools.MetadataQuorumCommand --bootstrap-controller localhost:9093 --command-config controller-client.properties describe --status
train configs kafka.admin.ConfigCommand $client --entity-type brokers --entity-name 0 --describe
echo hello | train producer org.apache.kafka.tools.ConsoleProducer --bootstrap-server localhost:9092 --producer.config client.properties --topic training
train consumer org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server localhost:9092 --consumer.config client.properties --topic training --from-beginning --max-messages 1 --timeout-ms 20000
kill %1
wait
cat *.lst | sort -u > all.list
# With the module that kafka-run-class's JMX options add: an archive without it is not used.
java --add-modules jdk.management.agent \\
  -Xshare:dump -XX:SharedClassListFile=all.list -XX:SharedArchiveFile=/out/kafka.jsa -cp '${classPath}' > dump.log 2>&1 || tail -5 dump.log
ls -l /out
`
}
