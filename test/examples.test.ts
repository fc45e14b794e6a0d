import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generateTypes, loadPlatform } from '@selfmonitor/platform'
import { expect, it } from 'vitest'

const root = new URL('../', import.meta.url)

it('the examples have the types that `selfmonitor types` makes today', async () => {
  const platform = await loadPlatform(fileURLToPath(new URL('platform.yaml', root)))
  expect(readFileSync(new URL('examples/events.generated.ts', root), 'utf8')).toBe(generateTypes(platform))
})
