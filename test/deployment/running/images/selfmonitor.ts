// Our own image, from the working tree instead of from packed packages: Node, the sources, the command, the JMX agent's jar.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchJmxAgent } from '../../../support/jmx-agent.ts'
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
