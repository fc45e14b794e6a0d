// The images confluentinc/cp-kafka and apache/kafka: the real jars of Apache Kafka under each image's paths and command names.
// Both bring the same version here, the newest whose tools are on Maven Central.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchDistribution, pinnedVersion } from '@selfmonitor/apache'
import type { ImageContent, ImageLayout } from '../types.ts'
import { alpineBase, base, javaHome, microBase } from './base.ts'
import { archivePath, classArchive } from './class-archive.ts'
import { kafkaScripts, toolsLog4j2 } from './kafka-scripts.ts'

const repository = (image: string): string => image.split(/[:@]/)[0]!

/** Confluent's image. */
export const confluentKafka: ImageLayout = {
  matches: (image) => /(^|\/)confluentinc\/cp-kafka$/.test(repository(image)),
  async prepare(folder) {
    const { libsDir } = await fetchDistribution()
    const java = await javaHome(25)
    const scripts = kafkaScripts({
      suffix: '',
      classPath: '/usr/share/java/kafka/*',
      toolsLogging: '/etc/kafka/tools-log4j2.yaml',
      serverLogging: '/etc/kafka/log4j2.yaml',
    })
    return withArchive('confluent', '/usr/share/java/kafka/*', {
      mounts: {
        ...(await base(folder, microBase, { java, scripts })),
        '/usr/share/java/kafka': libsDir,
        '/etc/kafka': await etcKafka(folder),
      },
      env: { LANG: 'C.UTF-8', COMPONENT: 'kafka', JAVA_HOME: java, PATH: '/usr/local/bin:/usr/bin:/bin' },
    })
  },
}

/** Apache's image: everything is in /opt/kafka, and nothing of it on the PATH. */
export const apacheKafka: ImageLayout = {
  matches: (image) => /(^|\/)apache\/kafka$/.test(repository(image)),
  async prepare(folder) {
    const { libsDir } = await fetchDistribution()
    const config = '/opt/kafka/config'
    const scripts = kafkaScripts({
      suffix: '.sh',
      classPath: '/opt/kafka/libs/*',
      toolsLogging: `${config}/tools-log4j2.yaml`,
      serverLogging: `${config}/log4j2.yaml`,
    })
    const java = await javaHome(21)
    const bin = join(folder, 'kafka-bin')
    await mkdir(bin, { recursive: true })
    for (const [name, text] of Object.entries(scripts)) await writeFile(join(bin, name), text, { mode: 0o755 })
    return withArchive('apache', '/opt/kafka/libs/*', {
      mounts: {
        ...(await base(folder, alpineBase, { java })),
        '/opt/kafka/bin': bin,
        '/opt/kafka/libs': libsDir,
        '/opt/kafka/config': await etcKafka(folder),
      },
      env: { JAVA_HOME: java, PATH: '/usr/local/bin:/usr/bin:/bin' },
    })
  },
}

async function withArchive(name: string, classPath: string, content: ImageContent): Promise<ImageContent> {
  const archive = await classArchive(`${name}-${await pinnedVersion()}`, content, classPath)
  return archive ? { ...content, mounts: { ...content.mounts, [archivePath]: archive } } : content
}

async function etcKafka(folder: string): Promise<string> {
  const etc = join(folder, 'kafka-config')
  await mkdir(etc)
  await writeFile(join(etc, 'tools-log4j2.yaml'), toolsLog4j2)
  await writeFile(
    join(etc, 'log4j2.yaml'),
    toolsLog4j2.replaceAll('STDERR', 'STDOUT').replace('SYSTEM_ERR', 'SYSTEM_OUT'),
  )
  return etc
}
