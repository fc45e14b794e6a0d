// Our own image, from the working tree instead of from packed packages: Node, the sources, the command, the JMX agent's jar.
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDir, run } from '@selfmonitor/apache'
import { checkIntegrity, onceInCache, ToolUnavailable } from '../../static/fetch.ts'
import type { ImageLayout } from '../types.ts'
import { base, slimBase } from './base.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** What `selfmonitor` is there. */
export const selfmonitorCommand =
  '#!/bin/sh\nexec node --conditions=source /opt/selfmonitor/packages/cli/src/main.ts "$@"\n'

export const selfmonitorImage: ImageLayout = {
  matches: (image) => /(^|\/)streams\/selfmonitor[:@]/.test(image),
  async prepare(folder) {
    const jmx = await fetchJmxAgent()
    return {
      mounts: {
        ...(await base(folder, slimBase, { scripts: { selfmonitor: selfmonitorCommand } })),
        '/usr/local/bin/node': process.execPath,
        '/opt/selfmonitor/packages': join(root, 'packages'),
        '/opt/selfmonitor/node_modules': join(root, 'node_modules'),
        '/opt/selfmonitor/package.json': join(root, 'package.json'),
        '/opt/selfmonitor/jmx/jmx_prometheus_javaagent.jar': jmx,
      },
      env: { NODE_ENV: 'production', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      entrypoint: ['selfmonitor'],
    }
  },
}

/** The jar that the Dockerfile pins, in the cache. @throws ToolUnavailable when Maven cannot fetch it. */
async function fetchJmxAgent(): Promise<string> {
  const dockerfile = await readFile(join(root, 'infra/kafka/Dockerfile'), 'utf8')
  const version = /^ARG JMX_AGENT_VERSION=(\S+)/m.exec(dockerfile)![1]!
  const sha256 = /^ARG JMX_AGENT_SHA256=(\S+)/m.exec(dockerfile)![1]!
  const folder = join(cacheDir(), 'jmx-agent', version)
  const jar = join(folder, 'jmx_prometheus_javaagent.jar')
  await onceInCache(folder, async (partial) => {
    const result = await run('mvn', [
      ...['--batch-mode', '--quiet', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:${version}`, `-DoutputDirectory=${partial}`],
    ])
    if (result.exitCode !== 0)
      throw new ToolUnavailable(`Maven could not fetch the JMX agent ${version}:\n${result.stdout}`)
    const file = join(partial, `jmx_prometheus_javaagent-${version}.jar`)
    await checkIntegrity(file, `sha256-${Buffer.from(sha256, 'hex').toString('base64')}`)
    await copyFile(file, join(partial, 'jmx_prometheus_javaagent.jar'))
  })
  return jar
}
