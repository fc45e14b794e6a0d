// In place of `mnemonist`: the one structure that the client uses.
import { clientRequire } from './client-require.ts'

export const LRUCache: unknown = clientRequire('mnemonist/lru-cache.js')
