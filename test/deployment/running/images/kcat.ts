// The image of kcat: this machine's, on its libraries.
import type { ImageLayout } from '../types.ts'
import { base, smallBase } from './base.ts'

export const kcatImage: ImageLayout = {
  matches: (image) => /(^|\/)kcat:/.test(image),
  prepare: async (folder) => ({
    mounts: await base(folder, [...smallBase, 'kcat']),
    env: { PATH: '/usr/bin:/bin' },
  }),
}
