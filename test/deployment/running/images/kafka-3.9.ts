// The images confluentinc/cp-kafka and confluentinc/cp-zookeeper of 7.9: Apache Kafka 3.9, the last with ZooKeeper, and ZooKeeper 3.8.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchDistribution } from '@selfmonitor/apache'
import type { ImageContent, ImageLayout } from '../types.ts'
import { base, javaHome, minimalBase } from './base.ts'
import { archivePath, classArchive } from './class-archive.ts'
import { kafkaScripts } from './kafka-scripts.ts'

const pom = fileURLToPath(new URL('./kafka-3.9/pom.xml', import.meta.url))
const classPath = '/usr/share/java/kafka/*'

/** Brokers and controllers of a cluster that has not moved to Kafka 4 yet. */
export const confluentKafka39: ImageLayout = {
  matches: (image) => /(^|\/)confluentinc\/cp-kafka:7\.9\./.test(image),
  prepare: (folder) => content(folder, 'kafka'),
}

/** Confluent's ZooKeeper image has the same package, and so the same commands. */
export const confluentZooKeeper: ImageLayout = {
  matches: (image) => /(^|\/)confluentinc\/cp-zookeeper:7\.9\./.test(image),
  prepare: (folder) => content(folder, 'zookeeper'),
}

/** One for both: the jars and their paths are the same. */
let madeArchive: Promise<string | null> | undefined

async function content(folder: string, component: string): Promise<ImageContent> {
  const { libsDir, version } = await fetchDistribution({ pom })
  const etc = join(folder, 'kafka-config')
  await mkdir(etc)
  await writeFile(join(etc, 'tools-log4j.properties'), toolsLog4j)
  await writeFile(join(etc, 'log4j.properties'), toolsLog4j.replaceAll('stderr', 'stdout').replace('.err', '.out'))
  const java = await javaHome()
  const image: ImageContent = {
    mounts: {
      ...(await base(folder, minimalBase, { java, scripts: scripts() })),
      '/usr/share/java/kafka': libsDir,
      '/etc/kafka': etc,
    },
    env: { LANG: 'C.UTF-8', COMPONENT: component, JAVA_HOME: java, PATH: '/usr/local/bin:/usr/bin:/bin' },
  }
  madeArchive ??= classArchive(`confluent-${version}`, image, classPath)
  const archive = await madeArchive
  return archive ? { ...image, mounts: { ...image.mounts, [archivePath]: archive } } : image
}

/** Commands whose class is another one than in Kafka 4, or that Kafka 4 has not. Source: bin/ of apache/kafka 3.9. */
const mainClasses: Readonly<Record<string, string>> = {
  'kafka-acls': 'kafka.admin.AclCommand',
  'kafka-console-producer': 'kafka.tools.ConsoleProducer',
  'kafka-dump-log': 'kafka.tools.DumpLogSegments',
  'zookeeper-server-start': '$EXTRA_ARGS org.apache.zookeeper.server.quorum.QuorumPeerMain',
  'zookeeper-shell': 'org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka -server',
}

function scripts(): Record<string, string> {
  const today = kafkaScripts({
    ...{ suffix: '', classPath },
    toolsLogging: '/etc/kafka/tools-log4j.properties',
    serverLogging: '/etc/kafka/log4j.properties',
  })
  // Log4j 1 takes its file by another property, as a URL.
  const named = Object.entries(today).map(([name, text]) => [
    name,
    text.replaceAll('-Dlog4j2.configurationFile=', '-Dlog4j.configuration=file:'),
  ])
  const others = Object.entries(mainClasses).map(([name, mainClass]) => [
    name,
    `#!/bin/bash\nexec $(dirname $0)/kafka-run-class ${mainClass} "$@"\n`,
  ])
  return Object.fromEntries([...named, ...others])
}

/** Logging of tools: warnings to standard error, so that standard output is what was asked for. */
const toolsLog4j = `log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.appender.stderr.Target=System.err
`
