// The image of Schema Registry with a STAND-IN for the server: Confluent's is not on Maven Central, so our own registry runs behind
// Confluent's command and reads Confluent's properties. It tests the chart around it: files, account, rights, network.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ImageLayout } from '../types.ts'
import { base, javaHome, microBase } from './base.ts'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

export const schemaRegistryImage: ImageLayout = {
  matches: (image) => /(^|\/)confluentinc\/cp-schema-registry[:@]/.test(image),
  async prepare(folder) {
    const command =
      '#!/bin/bash\nexec /opt/stand-in/node --conditions=source /opt/stand-in/test/deployment/running/images/schema-registry-start.ts "$@"\n'
    return {
      mounts: {
        ...(await base(folder, microBase, { java: await javaHome(25), scripts: { 'schema-registry-start': command } })),
        '/opt/stand-in/node': process.execPath,
        '/opt/stand-in/packages': join(root, 'packages'),
        '/opt/stand-in/node_modules': join(root, 'node_modules'),
        '/opt/stand-in/package.json': join(root, 'package.json'),
        '/opt/stand-in/test/deployment/running/images': join(root, 'test/deployment/running/images'),
      },
      env: { LANG: 'C.UTF-8', COMPONENT: 'schema-registry', PATH: '/usr/local/bin:/usr/bin:/bin' },
    }
  },
}
