// The Compose file, read by docker-compose itself: accepted with every profile, and each service bounded, pinned and local.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@selfmonitor/apache'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { missingTool } from '../../support/tools.ts'
import { type Json, quantity } from './objects.ts'

const folder = fileURLToPath(new URL('../../../infra/kafka', import.meta.url))
const profiles = ['connect', 'ksqldb', 'ui', 'cluster', 'monitoring']
/** Services that do one thing and end. */
const endsByItself = ['setup', 'cluster']

const missing = missingTool('docker-compose', 'version')

describe.skipIf(missing !== null)('docker-compose-kafka.yml', () => {
  let source: string
  let services: Record<string, Json>

  /** The file as docker-compose resolves it, with the shell's variables replaced by the given ones. */
  async function config(text: string, env: Record<string, string> = {}) {
    // Version 1, which is what Debian 12 has, knows all of the file but the project's name, which came with version 2.
    const { stdout: version } = await run('docker-compose', ['version', '--short'])
    const known = version.startsWith('1.') ? text.replace(/^name: .*\n/m, '') : text
    const flags = profiles.flatMap((profile) => ['--profile', profile])
    return run('docker-compose', ['--file', '-', ...flags, 'config'], {
      cwd: folder,
      stdin: known,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    })
  }

  beforeAll(async () => {
    source = await readFile(join(folder, 'docker-compose-kafka.yml'), 'utf8')
    const result = await config(source)
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    services = parse(result.stdout).services
  })

  it('is accepted, with the broker, the registry and the setup outside of profiles', () => {
    const always = Object.keys(services).filter((name) => !services[name].profiles)
    expect(always.sort()).toEqual(['kafka', 'schema-registry', 'setup'])
    const used = new Set(Object.values(services).flatMap((service) => service.profiles ?? []))
    expect([...used].sort()).toEqual([...profiles].sort())
  })

  it('would be refused with a misspelt key', async () => {
    const result = await config(source.replace('mem_limit:', 'memory_limit:'))
    expect(result.exitCode).not.toBe(0)
    expect(result.stderr).toContain('memory_limit')
  })

  it('takes image, port and heap from the environment', async () => {
    const env = { KAFKA_IMAGE: 'apache/kafka:4.3.1', KAFKA_PORT: '19092', KAFKA_HEAP_OPTS: '-Xmx300m' }
    const { kafka } = parse((await config(source, env)).stdout).services
    expect(kafka.image).toBe('apache/kafka:4.3.1')
    expect(kafka.environment.KAFKA_HEAP_OPTS).toBe('-Xmx300m')
    expect(portsOf(kafka)).toEqual(['127.0.0.1:19092'])
  })

  it('has a memory limit for each service, well above its heap, and 1.5 GiB for all that starts without a profile', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service.mem_limit, name).toBeDefined()
      const heap = Object.values(service.environment ?? {}).map((value) => /-Xmx(\d+)m/.exec(String(value))?.[1])
      const heapMb = Math.max(0, ...heap.map((value) => Number(value ?? 0)))
      expect(heapMb, name).toBeLessThanOrEqual((0.75 * memory(service)) / 1024 ** 2)
    }
    const always = Object.values(services).filter((service) => !service.profiles)
    const total = always.reduce((sum, service) => sum + memory(service), 0)
    expect(total / 1024 ** 3).toBeLessThanOrEqual(1.5)
  })

  it('has a health check for each service that stays, and starts nothing before what it needs is healthy', () => {
    for (const [name, service] of Object.entries(services)) {
      if (!endsByItself.includes(name)) expect(service.healthcheck?.test, name).toBeDefined()
      for (const [needed, { condition }] of Object.entries<Json>(service.depends_on ?? {})) {
        expect(services[needed].healthcheck, `${name} waits for ${needed}`).toBeDefined()
        expect(condition, `${name} waits for ${needed}`).toBe('service_healthy')
      }
    }
  })

  it('has a tag for each image, drops all capabilities, and opens ports to this machine only', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service.image, name).toMatch(/[^/]:(?!latest$)[\w.-]+$/)
      expect(service.cap_drop, name).toEqual(['ALL'])
      expect(service.privileged, name).toBeUndefined()
      for (const port of portsOf(service)) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    }
  })

  it('lets native libraries be loaded from /tmp, where snappy and zstd unpack theirs', () => {
    for (const [name, service] of Object.entries(services))
      for (const mount of service.tmpfs ?? []) expect(mount, name).toBe('/tmp:exec')
  })

  it('mounts and builds only from files that are in the repository', () => {
    for (const [name, service] of Object.entries(services)) {
      const build = typeof service.build === 'string' ? { context: service.build } : service.build
      if (build)
        expect(existsSync(join(build.context, build.dockerfile ?? 'Dockerfile')), `${name}: ${build.dockerfile}`).toBe(
          true,
        )
      for (const volume of service.volumes ?? []) {
        const path = typeof volume === 'string' ? volume.split(':')[0]! : volume.type === 'bind' ? volume.source : ''
        if (path.startsWith('/')) expect(existsSync(path), `${name} mounts ${path}`).toBe(true)
      }
    }
  })

  it('limits the retries of a service that runs once, and restarts the others without a limit', () => {
    for (const [name, service] of Object.entries(services))
      expect(service.restart, name).toMatch(endsByItself.includes(name) ? /^on-failure:[1-9]$/ : /^unless-stopped$/)
  })

  it('gives Grafana a password that its first start makes, and no other way in', async () => {
    const { environment, entrypoint, volumes } = services.grafana
    expect(Object.keys(environment).filter((name) => /PASSWORD|SECRET/.test(name))).toEqual([])
    expect(environment).toMatchObject({ GF_AUTH_ANONYMOUS_ENABLED: 'false', GF_USERS_ALLOW_SIGN_UP: 'false' })
    expect(entrypoint.at(-1)).toBe('/opt/selfmonitor/bin/grafana.sh')
    const script = await readFile(join(folder, 'bin/grafana.sh'), 'utf8')
    const place = await mkdtemp(join(tmpdir(), 'selfmonitor-grafana-'))
    try {
      await writeFile(join(place, 'run.sh'), '#!/bin/sh\ncat "$GF_SECURITY_ADMIN_PASSWORD__FILE"\n', { mode: 0o755 })
      const here = script.replaceAll('/var/lib/grafana', place).replace('/run.sh', join(place, 'run.sh'))
      const started = async () => (await run('sh', [], { stdin: here })).stdout.trim().split('\n').at(-1)
      const password = await started()
      expect(password).toMatch(/^[\w+/]{24}$/)
      expect(await started()).toBe(password)
    } finally {
      await rm(place, { recursive: true })
    }
    expect(JSON.stringify(volumes)).toContain('/var/lib/grafana')
  })

  it('scrapes and asks services that are there, at the ports that they open', async () => {
    const read = async (path: string) => parse(await readFile(join(folder, 'config', path), 'utf8'))
    const { scrape_configs, alerting } = await read('prometheus.yaml')
    const targets = [...scrape_configs, ...alerting.alertmanagers].flatMap((one: Json) =>
      one.static_configs.flatMap((config: Json) => config.targets),
    )
    const { datasources } = await read('grafana/datasources/kafka.yaml')
    for (const target of [...targets, new URL(datasources[0].url).host]) {
      const [name, port] = target.replace('localhost', 'prometheus').split(':')
      expect(JSON.stringify(services[name].ports), target).toContain(port)
    }
    const { providers } = await read('grafana/dashboards/kafka.yaml')
    expect(JSON.stringify(services.grafana.volumes)).toContain(providers[0].options.path)
  })

  it('starts no two services on one port', () => {
    const ports = Object.values(services).flatMap(portsOf)
    expect(new Set(ports).size).toBe(ports.length)
  })
})

/** `address:port` of this machine, for each port of a service; version 1 writes a text, version 2 a map. */
function portsOf(service: Json): string[] {
  return (service.ports ?? []).map((port: Json) =>
    typeof port === 'string'
      ? port.replace(/:\d+(\/tcp)?$/, '')
      : `${port.host_ip ?? (String(port.published).includes(':') ? '' : '0.0.0.0')}:${port.published}`.replace(
          /^:/,
          '',
        ),
  )
}

/** Bytes; version 1 gives the text of the file (`768m`), version 2 a number. */
function memory(service: Json): number {
  const text = String(service.mem_limit)
  return /^\d+$/.test(text) ? Number(text) : quantity(`${text.replace(/b$/i, '').toUpperCase()}i`)
}
