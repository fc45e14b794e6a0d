// The packages as others get them: built, packed, installed from their tarballs into an empty project, and used there.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { packPackages } from '../scripts/release/packages.ts'
import { endGroup } from './support/process-group.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const service = `
import { connectEvents } from '@selfmonitor/events'
import { startTestPlatform } from '@selfmonitor/events/testing'

interface Events {
  'user.events': { user_created: { email: string } }
}

const platform = await startTestPlatform({ topics: { 'user.events': { partitions: 2 } } })
const stream = await connectEvents<Events>({ ...platform.options, service: 'packaged' })
stream.on('user.events', 'user_created', (event) => {
  const email: string = event.data.email
  console.log('handled ' + email)
})
await stream.run()
const { eventId } = await stream.emit('user.events', 'user_created', { email: 'ada@example.com' }, { userId: 'u1' })
await platform.waitForHandled(eventId, 20_000)
// @ts-expect-error the catalogue has no such event type
const wrong: Parameters<typeof stream.emit>[1] = 'user_creatd'
await stream.close()
await platform.close()
void wrong
`

describe('the packages, installed from their tarballs into an empty project', () => {
  let project: string
  /** Without the settings and paths that npm and vitest put into our own environment. */
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|VITEST)/i.test(name)),
  ) as NodeJS.ProcessEnv
  env.PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
  const inProject = (command: string, args: readonly string[]) =>
    run(command, args, { cwd: project, env, timeoutMs: 240_000 })

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'selfmonitor-packaged-'))
    const tarballs = join(project, 'tarballs')
    const files = await packPackages(tarballs)
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }))
    const installed = await inProject('npm', [
      'install',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      ...files.map((file) => join(tarballs, file)),
    ])
    expect(installed, installed.stderr).toMatchObject({ exitCode: 0 })
  }, 300_000)
  afterAll(() => rm(project, { recursive: true, force: true }))

  it('have types that a strict consumer compiles against, and a library that carries an event', {
    timeout: 120_000,
  }, async () => {
    await writeFile(join(project, 'service.ts'), service)
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
    const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')]
    const checked = await inProject(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...options,
      ...typeRoots,
      'service.ts',
    ])
    expect(checked.stdout).toBe('')
    const ran = await inProject(process.execPath, ['service.ts'])
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: 'handled ada@example.com\n' })
  })

  it('bring a selfmonitor command that knows its version, its help and a platform file', {
    timeout: 60_000,
  }, async () => {
    const selfmonitor = join(project, 'node_modules', '.bin', 'selfmonitor')
    const version = await inProject(selfmonitor, ['--version'])
    expect(version).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^0\.1\.0/) })
    const valid = await inProject(selfmonitor, ['validate', '-f', join(root, 'platform.yaml')])
    expect(valid, valid.stderr).toMatchObject({ exitCode: 0 })
    const started = await inProject(selfmonitor, ['up', '--detach', '--port-offset', '23000'])
    expect(started, started.stderr).toMatchObject({ exitCode: 0 })
    try {
      const listed = await inProject(selfmonitor, ['topics', 'list', '-o', 'json'])
      expect(listed, listed.stderr).toMatchObject({ exitCode: 0 })
    } finally {
      const stopped = await inProject(selfmonitor, ['down'])
      expect(stopped, stopped.stderr).toMatchObject({ exitCode: 0 })
    }
  })

  it('bring `selfmonitor init`, whose service, test and types work as written', { timeout: 180_000 }, async () => {
    const selfmonitor = join(project, 'node_modules', '.bin', 'selfmonitor')
    const written = await inProject(selfmonitor, ['init', 'shop'])
    expect(written, written.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('shop/platform.yaml\n'),
    })
    const inShop = (command: string, args: readonly string[]) =>
      run(command, args, { cwd: join(project, 'shop'), env, timeoutMs: 120_000 })

    const tested = await inShop('npm', ['test'])
    expect(tested, tested.stdout + tested.stderr).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/pass 1\n/),
    })
    const types = await inShop(selfmonitor, ['types', '--out', 'src/events.generated.ts', '--check'])
    expect(types, types.stderr).toMatchObject({ exitCode: 0 })
    const checked = await inShop(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      '--typeRoots',
      join(root, 'node_modules/@types'),
    ])
    expect(checked).toMatchObject({ exitCode: 0, stdout: '' })

    const offset = 23_050
    const started = await inShop(selfmonitor, ['up', '--setup', '--detach', '--port-offset', String(offset)])
    expect(started, started.stderr).toMatchObject({ exitCode: 0 })
    const addresses = {
      KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${9092 + offset}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${8081 + offset}`,
    }
    onTestFinished(async () => {
      const stopped = await inShop(selfmonitor, ['down'])
      expect(stopped, stopped.stderr).toMatchObject({ exitCode: 0 })
    })
    const npm = spawn('npm', ['start'], {
      cwd: join(project, 'shop'),
      env: { ...env, ...addresses },
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => endGroup(npm))
    let printed = ''
    npm.stdout.on('data', (chunk) => {
      printed += String(chunk)
    })
    // Only once every process that has npm's output has ended, the service too.
    const ended = once(npm, 'close')
    await expect.poll(() => printed, { timeout: 60_000 }).toMatch(/order .* of ada: 12\.30/)
    const tailed = await inShop(selfmonitor, ['events', 'tail', 'orders', '--from', 'earliest', '-o', 'json'])
    expect(JSON.parse(tailed.stdout)).toMatchObject({
      schema: 'orders.Order',
      value: { customer: 'ada', total: '12.30', status: 'PLACED', currency: 'EUR' },
    })
    // npm passes the signal on to its shell only.
    npm.kill('SIGTERM')
    await ended
  })
})
