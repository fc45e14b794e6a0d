// An image with a shell and Node: for fixtures and for clients of a test's own.
import type { ImageLayout } from '../types.ts'
import { base, smallBase } from './base.ts'

export const nodeImage: ImageLayout = {
  matches: (image) => /^(docker\.io\/library\/)?node:/.test(image),
  prepare: async (folder) => ({
    mounts: { ...(await base(folder, smallBase)), '/usr/local/bin/node': process.execPath },
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  }),
}
