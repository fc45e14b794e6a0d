// The image of Kafka Connect that our recipe makes. The S3 sink of the recipe is not on Maven Central; Kafka's own file connectors
// stand where it stands, so that a connector runs with the rights that the chart gives to connectors.
import { join } from 'node:path'
import { cacheDir, pinnedVersion, run } from '@selfmonitor/apache'
import { onceInCache, ToolUnavailable } from '../../static/fetch.ts'
import type { ImageLayout } from '../types.ts'
import { confluentKafka } from './kafka.ts'

export const connectImage: ImageLayout = {
  matches: (image) => /(^|\/)kafka-connect-s3[:@]/.test(image),
  async prepare(folder) {
    const content = await confluentKafka.prepare(folder)
    const plugins = await fetchFileConnectors()
    return {
      ...content,
      env: { ...content.env, COMPONENT: 'kafka-connect' },
      mounts: { ...content.mounts, '/opt/selfmonitor/connect-plugins/connect-file': plugins },
    }
  },
}

/** @returns the folder with their jar, of the pinned version. @throws ToolUnavailable when Maven cannot fetch it. */
async function fetchFileConnectors(): Promise<string> {
  const version = await pinnedVersion()
  const folder = join(cacheDir(), 'kafka-connect-file', version)
  await onceInCache(folder, async (partial) => {
    const result = await run('mvn', [
      ...['--batch-mode', '--quiet', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=org.apache.kafka:connect-file:${version}`, `-DoutputDirectory=${partial}`],
    ])
    if (result.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch connect-file ${version}:\n${result.stdout}`)
  })
  return folder
}
