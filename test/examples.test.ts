import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startBroker } from '@selfmonitor/broker'
import { generateTypes, loadPlatform } from '@selfmonitor/platform'
import { startRegistry } from '@selfmonitor/registry'
import { expect, it, onTestFinished } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { freePorts } from './support/ports.ts'
import { endGroup } from './support/process-group.ts'

const root = new URL('../', import.meta.url)

it('the examples have the types that `selfmonitor types` makes today', async () => {
  const platform = await loadPlatform(fileURLToPath(new URL('platform.yaml', root)))
  expect(readFileSync(new URL('examples/events.generated.ts', root), 'utf8')).toBe(generateTypes(platform))
})

it('the examples end with a SIGTERM to `npm start`, which npm passes on to its shell only', async () => {
  const broker = await startBroker()
  onTestFinished(() => broker.close())
  const registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
  onTestFinished(() => registry.close())
  const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-examples-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['platform.yaml', 'schemas']) {
    cpSync(new URL(name, root), join(folder, name), { recursive: true })
  }
  const [port] = await freePorts(1)
  const env = { KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers, SCHEMA_REGISTRY_URL: registry.url }
  expect(await selfmonitor(['apply', '--yes'], { cwd: folder, env })).toMatchObject({ code: 0 })
  for (const [name, started] of [
    ['user-service', `user-service listens on http://127.0.0.1:${port}`],
    ['fraud-detection', 'fraud-detection watches'],
  ] as const) {
    const npm = spawn('npm', ['start'], {
      cwd: new URL(`examples/${name}/`, root),
      env: { ...process.env, ...env, PORT: String(port) },
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
    await expect.poll(() => printed, { timeout: 60_000 }).toContain(started)
    npm.kill('SIGTERM')
    await ended
  }
}, 120_000)
