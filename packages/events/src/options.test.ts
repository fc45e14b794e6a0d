import { describe, expect, it } from 'vitest'
import { resolveOptions } from './options.ts'

describe('the settings of a stream', () => {
  it('come from the environment where the caller says nothing', () => {
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

  it('take KAFKA_COMPRESSION_TYPE, which the caller may overrule', () => {
    const env = { KAFKA_COMPRESSION_TYPE: 'zstd' }
    expect(resolveOptions({ service: 'a' }, {}).compression).toBe('none')
    expect(resolveOptions({ service: 'a' }, env).compression).toBe('zstd')
    expect(resolveOptions({ service: 'a', compression: 'lz4' }, env).compression).toBe('lz4')
    expect(() => resolveOptions({ service: 'a' }, { KAFKA_COMPRESSION_TYPE: 'brotli' })).toThrow(
      'KAFKA_COMPRESSION_TYPE: "brotli" is not one of none, gzip, snappy, lz4, zstd',
    )
  })

  it('are those of `selfmonitor up` where nobody says anything', () => {
    expect(resolveOptions({ service: 'a' }, {})).toMatchObject({
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
    expect(() => resolveOptions(options, env)).toThrow(message)
  })
})
