import { expect, it } from 'vitest'
import { issueCa } from './certificates/issue.ts'
import * as kubernetes from './index.ts'

/** What the certificate library's polyfill adds. */
const polyfilled = () => 'getMetadata' in Reflect

it('loads the certificate library with the first certificate, so that other commands start without it', async () => {
  expect(kubernetes.discoverFacts).toBeDefined()
  expect(polyfilled()).toBe(false)
  await issueCa('test CA', 86_400_000, new Date())
  expect(polyfilled()).toBe(true)
})
