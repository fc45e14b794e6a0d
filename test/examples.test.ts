import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { generateTypes, loadPlatform } from '@selfmonitor/platform'
import { expect, it } from 'vitest'

const root = new URL('../', import.meta.url)

it.each(['user-service', 'fraud-detection'])(
  'examples/%s has the types that `selfmonitor types` makes today',
  async (name) => {
    const platform = await loadPlatform(fileURLToPath(new URL('platform.yaml', root)))
    const file = new URL(`examples/${name}/src/events.generated.ts`, root)
    expect(readFileSync(file, 'utf8')).toBe(generateTypes(platform))
  },
)
