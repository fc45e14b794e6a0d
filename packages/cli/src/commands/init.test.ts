// What `init` writes works as written; that its service and test run is shown by test/packaging.test.ts.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateTypes, loadPlatform } from '@selfmonitor/platform'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { version } from '../framework/version.ts'
import { selfmonitor, temporaryFolder } from '../test-io.ts'

describe('init', () => {
  let folder: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => folder.remove())
  const init = (...words: string[]) => selfmonitor(['init', ...words], { cwd: folder.path })
  const text = (path: string): string => readFileSync(join(folder.path, path), 'utf8')

  it('writes a platform that is valid in every environment, and the types that belong to it', async () => {
    const { code, stdout, stderr } = await init()
    expect(code).toBe(0)
    expect(stdout.trimEnd().split('\n')).toEqual([
      'package.json',
      '.gitignore',
      'tsconfig.json',
      'platform.yaml',
      'schemas/orders.avsc',
      'src/service.ts',
      'src/main.ts',
      'src/service.test.ts',
      'src/events.generated.ts',
    ])
    // Run from a checkout, as here, the packages come from there.
    const root = join(import.meta.dirname, '../../../..')
    expect(stderr).toContain(`Next:\n\n  npm --prefix ${root} run release -- --only npm `)
    expect(stderr).toContain(`\n  npm install --save-dev ${root}/release/npm/*.tgz `)
    expect(stderr).toContain(`\n  npm install ${root}/release/npm/selfmonitor-events-*.tgz `)
    expect(stderr).toContain('\n  npm install --save-dev node@24 ')
    expect(stderr).toMatch(/\n {2}npm test .*\n {2}npm run platform .*\n {2}npm start /)
    expect(await selfmonitor(['validate'], { cwd: folder.path })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/valid: 1 topic, .*1 service; environments development, production/),
    })
    const platform = await loadPlatform(join(folder.path, 'platform.yaml'), { env: {} })
    expect(text('src/events.generated.ts')).toBe(generateTypes(platform))
  })

  it('names the package after its folder, and asks for the packages of this version', async () => {
    expect((await init('Shop & Co')).code).toBe(0)
    expect(JSON.parse(text('Shop & Co/package.json'))).toMatchObject({
      name: 'shop-co',
      type: 'module',
      dependencies: { '@selfmonitor/events': `^${version()}` },
    })
  })

  it('prints commands that can be pasted, whatever the folder is called', async () => {
    expect((await init('My Shop')).stderr).toContain("\n  cd 'My Shop'\n")
    expect((await init("Ann's")).stderr).toContain("\n  cd 'Ann'\\''s'\n")
    expect((await init('shop')).stderr).toContain('\n  cd shop\n')
  })

  it('knows no name of SelfMonitor but that of the product', async () => {
    await init()
    const all = readdirSync(folder.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    expect(all.join('\n')).not.toMatch(/user\.events|com\.selfmonitor|user_id|userId|fraud/)
  })

  it('overwrites nothing and writes nothing when something is in the way', async () => {
    mkdirSync(join(folder.path, 'src'))
    writeFileSync(join(folder.path, 'src/main.ts'), 'mine')
    expect(await init()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('src/main.ts exists already.'),
    })
    expect(existsSync(join(folder.path, 'platform.yaml'))).toBe(false)
    expect(text('src/main.ts')).toBe('mine')
  })

  it('keeps a package.json and a .gitignore that are there, and says what the service needs', async () => {
    writeFileSync(join(folder.path, 'package.json'), '{"name":"mine"}')
    writeFileSync(join(folder.path, '.gitignore'), 'dist\n')
    const { code, stdout, stderr } = await init('-o', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout).files).not.toContain('package.json')
    expect(stderr).toContain('/release/npm/selfmonitor-events-*.tgz ')
    expect(stderr).toContain('node --test')
    expect([text('package.json'), text('.gitignore')]).toEqual(['{"name":"mine"}', 'dist\n'])
  })

  it('says which file cannot be written', async () => {
    writeFileSync(join(folder.path, 'schemas'), 'a file, no folder')
    expect(await init()).toMatchObject({ code: 1, stderr: expect.stringMatching(/schemas.* cannot be written/) })
  })
})
