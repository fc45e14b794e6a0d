import type { FoundState } from '@selfmonitor/platform/running'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from './options.ts'
import { whenStarted } from './reach.ts'
import { runningPlatforms } from './running-platform.ts'

const nothing = () => []

describe('the settings of a stream', () => {
  it('come from the environment if the caller sets none', () => {
    const settings = resolveOptions(
      {},
      {
        SELFMONITOR_SERVICE: 'user-service',
        KAFKA_BOOTSTRAP_SERVERS: 'kafka-0:9092,kafka-1:9092',
        SCHEMA_REGISTRY_URL: 'http://schema-registry-service:8081',
        KAFKA_SASL_USERNAME: 'user-service',
        KAFKA_SASL_PASSWORD: 'secret',
        KAFKA_TLS: 'true',
      },
    )
    expect(settings).toMatchObject({
      service: 'user-service',
      group: 'user-service',
      bootstrapServers: 'kafka-0:9092,kafka-1:9092',
      registryUrl: 'http://schema-registry-service:8081',
      origins: { bootstrapServers: 'KAFKA_BOOTSTRAP_SERVERS', registryUrl: 'SCHEMA_REGISTRY_URL' },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'user-service', password: 'secret' },
      tls: true,
    })
  })

  it('use KAFKA_COMPRESSION_TYPE, which the caller may override', () => {
    const env = { KAFKA_COMPRESSION_TYPE: 'zstd' }
    expect(resolveOptions({ service: 'a' }, {}, nothing).compression).toBe('none')
    expect(resolveOptions({ service: 'a' }, env).compression).toBe('zstd')
    expect(resolveOptions({ service: 'a', compression: 'lz4' }, env).compression).toBe('lz4')
    expect(() => resolveOptions({ service: 'a' }, { KAFKA_COMPRESSION_TYPE: 'brotli' })).toThrow(
      'KAFKA_COMPRESSION_TYPE: "brotli" is not one of none, gzip, snappy, lz4, zstd',
    )
  })

  it('have the ports of `selfmonitor up` where nothing is said and nothing runs', () => {
    expect(resolveOptions({ service: 'a' }, {}, nothing)).toMatchObject({
      bootstrapServers: '127.0.0.1:9092',
      registryUrl: 'http://127.0.0.1:8081',
      origins: { bootstrapServers: 'the default', registryUrl: 'the default' },
      from: 'earliest',
      concurrency: 16,
      retry: { attempts: 5, initialDelayMs: 100, maxDelayMs: 10_000, factor: 2, jitter: true },
    })
  })

  it.each([
    [{}, {}, 'service: is missing'],
    [{ service: 'a b' }, {}, 'service: "a b" may hold'],
    [{ service: 'a', bootstrapServers: 'localhost' }, {}, 'bootstrapServers: "localhost" is not host:port'],
    [{ service: 'a', bootstrapServers: 'a:1,b:70000' }, {}, 'bootstrapServers: "b:70000" is not host:port'],
    [{ service: 'a', registryUrl: 'localhost:8081' }, {}, 'registryUrl: "localhost:8081" is not an http(s) URL'],
    [{ service: 'a', registryUrl: 'ftp://ann:s3cret@host' }, {}, 'registryUrl: "ftp://host" is not an http(s) URL'],
    [{ service: 'a', groupInstanceId: 'pod/0' }, {}, 'groupInstanceId: "pod/0" may hold letters'],
    [{ service: 'a' }, { KAFKA_GROUP_INSTANCE_ID: '..' }, 'groupInstanceId: ".." may hold letters'],
    [{ service: 'a', concurrency: 0 }, {}, 'concurrency: must be a whole number from 1 to 10000, it is 0'],
    [{ service: 'a', retry: { factor: 0.5 } }, {}, 'retry.factor: must be at least 1, it is 0.5'],
    [{ service: 'a' }, { KAFKA_SASL_PASSWORD: 'x' }, 'KAFKA_SASL_USERNAME: is missing'],
    [{ service: 'a' }, { KAFKA_SASL_USERNAME: 'x' }, 'KAFKA_SASL_PASSWORD: is missing'],
    [
      { service: 'a' },
      { KAFKA_SASL_USERNAME: 'x', KAFKA_SASL_PASSWORD: 'y', KAFKA_SASL_MECHANISM: 'GSSAPI' },
      'KAFKA_SASL_MECHANISM: "GSSAPI" is not one of PLAIN',
    ],
    [{ service: 'a' }, { KAFKA_TLS: 'yes' }, 'KAFKA_TLS: "yes" is not one of true, false'],
  ])('%j with %j is refused by name: %s', (options, env, message) => {
    expect(() => resolveOptions(options, env, nothing)).toThrow(message)
  })
})

describe('the addresses of a service, when `selfmonitor up` runs platforms in its project', () => {
  const platform = (portOffset: number, alive = true) =>
    ({
      alive,
      state: {
        engine: 'embedded',
        dataDir: '/shop/.selfmonitor/data/embedded',
        portOffset,
        bootstrapServers: `127.0.0.1:${9092 + portOffset}`,
        registryUrl: `http://127.0.0.1:${8081 + portOffset}`,
      },
    }) as FoundState
  const addresses = (platforms: readonly FoundState[], env: NodeJS.ProcessEnv = {}) => {
    const { bootstrapServers, registryUrl, origins } = resolveOptions({ service: 'a' }, env, () => platforms)
    return [bootstrapServers, registryUrl, origins.bootstrapServers, origins.registryUrl]
  }
  const up = '`selfmonitor up`'

  it('are those of the running platform, at any port offset', () => {
    expect(addresses([platform(0, false), platform(100)])).toEqual(['127.0.0.1:9192', 'http://127.0.0.1:8181', up, up])
  })

  it('are named by the variables before that; the registry then belongs to the brokers that are named', () => {
    const env = { KAFKA_BOOTSTRAP_SERVERS: 'localhost:9292' }
    expect(addresses([platform(100), platform(200)], env)).toEqual([
      'localhost:9292',
      'http://127.0.0.1:8281',
      'KAFKA_BOOTSTRAP_SERVERS',
      up,
    ])
    expect(addresses([platform(100)], { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9092' })).toEqual([
      'kafka:9092',
      'http://127.0.0.1:8081',
      'KAFKA_BOOTSTRAP_SERVERS',
      'the default',
    ])
  })

  it('must be set if several platforms run', () => {
    expect(() => addresses([platform(0), platform(100)])).toThrow(
      'bootstrapServers: is missing, and several platforms run here (port offset 0: 127.0.0.1:9092; port offset 100: 127.0.0.1:9192): set KAFKA_BOOTSTRAP_SERVERS to one of them',
    )
  })

  it('are not the default when the platforms of the project have stopped: another project may listen there', () => {
    expect(() => addresses([platform(100, false)])).toThrow(
      expect.objectContaining({
        code: 'PLATFORM_STOPPED',
        message:
          "this project's platform at 127.0.0.1:9192 is stopped: start it with `selfmonitor up --port-offset 100`, or set KAFKA_BOOTSTRAP_SERVERS to another",
      }),
    )
    expect(() => addresses([platform(0, false), platform(100, false)])).toThrow(
      "this project's platforms at 127.0.0.1:9092 and 127.0.0.1:9192 are stopped: start it with `selfmonitor up` or `selfmonitor up --port-offset 100`",
    )
    expect(addresses([platform(100, false)], { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9092' })[0]).toBe('kafka:9092')
    expect(addresses([])).toEqual(['127.0.0.1:9092', 'http://127.0.0.1:8081', 'the default', 'the default'])
  })

  it('are waited for, with waitForBrokerMs, when the platform of the project is stopped', async () => {
    const seen = [[platform(100, false)], [platform(100)]]
    const resolve = () => addresses(seen.length > 1 ? seen.shift()! : seen[0]!)
    expect((await whenStarted(resolve, Date.now() + 60_000))[0]).toBe('127.0.0.1:9192')
    const stopped = () => addresses([platform(100, false)])
    await expect(whenStarted(stopped, Date.now())).rejects.toMatchObject({ code: 'PLATFORM_STOPPED' })
    const wrong = () => addresses([], { KAFKA_BOOTSTRAP_SERVERS: 'nonsense' })
    await expect(whenStarted(wrong, Date.now() + 60_000)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('are never looked for in production', () => {
    expect(runningPlatforms({ NODE_ENV: 'production' })).toEqual([])
  })
})
