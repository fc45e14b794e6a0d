// Requires what @platformatic/kafka depends on, from where it is installed.
import { createRequire } from 'node:module'

export const clientRequire = createRequire(import.meta.resolve('@platformatic/kafka'))
