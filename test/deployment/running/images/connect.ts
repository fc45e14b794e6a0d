// The image of Kafka Connect from infra/kafka/connect.Dockerfile. The S3 sink of the recipe is not on Maven Central; Kafka's own file connectors
// take its place, so that a connector runs with the rights that the chart gives to connectors.
import { join } from 'node:path'
import { cacheDir, pinnedVersion, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../../static/fetch.ts'
import type { ImageLayout } from '../types.ts'
import { confluentKafka } from './kafka.ts'

export const connectImage: ImageLayout = {
  matches: (image) => /(^|\/)kafka-connect-s3[:@]/.test(image),
  async prepare(folder) {
    const content = await confluentKafka.prepare(folder)
    const plugins = await fetchJar('connect-file')
    return {
      ...content,
      // Among the jars of Kafka in the image itself.
      env: { ...content.env, COMPONENT: 'kafka-connect', CLASSPATH: '/usr/share/java/basic-auth/*' },
      mounts: {
        ...content.mounts,
        '/opt/selfmonitor/connect-plugins/connect-file': plugins,
        '/usr/share/java/basic-auth': await fetchJar('connect-basic-auth-extension'),
      },
    }
  },
}

/** @returns the folder with a jar of Kafka's, of the pinned version. @throws ToolUnavailable when Maven cannot fetch it. */
async function fetchJar(artifact: string): Promise<string> {
  const version = await pinnedVersion()
  const folder = join(cacheDir(), `kafka-${artifact}`, version)
  await onceInCache(folder, async (partial) => {
    const result = await run('mvn', [
      ...['--batch-mode', '--quiet', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=org.apache.kafka:${artifact}:${version}`, `-DoutputDirectory=${partial}`],
    ])
    if (result.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch ${artifact} ${version}:\n${result.stdout}`)
  })
  return folder
}
