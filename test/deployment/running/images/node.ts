// An image with a shell, Node and kafkajs, a client that is not ours: for fixtures and for clients of a test's own.
import { fileURLToPath } from 'node:url'
import type { ImageLayout } from '../types.ts'
import { base, slimBase } from './base.ts'

const kafkajs = fileURLToPath(new URL('../../../../node_modules/kafkajs', import.meta.url))

export const nodeImage: ImageLayout = {
  matches: (image) => /^(docker\.io\/library\/)?node:/.test(image),
  prepare: async (folder) => ({
    mounts: {
      ...(await base(folder, [...slimBase, 'curl'])),
      '/usr/local/bin/node': process.execPath,
      '/opt/node_modules/kafkajs': kafkajs,
    },
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', NODE_PATH: '/opt/node_modules' },
  }),
}
