import { describe, expect, it } from 'vitest'
import { parseSpec } from './spec.ts'

const good = {
  namespace: 'kafka',
  clusterDomain: 'cluster.local',
  tls: {
    mode: 'chart',
    caSecret: 'kafka-ca',
    caConfigMap: 'kafka-ca-bundle',
    validity: '8760h',
    caValidity: '87600h',
    renewBefore: '720h',
    certificates: [
      {
        secret: 'kafka-broker-tls',
        commonName: 'kafka-broker',
        dnsNames: ['*.kafka-headless.kafka.svc'],
        ipAddresses: ['127.0.0.1'],
      },
    ],
  },
  identity: { configMap: 'kafka-identity', controllers: 9 },
  accounts: [{ name: 'admin', secret: 'kafka-user-admin' }],
  bootstrapServers: 'kafka-service.kafka.svc.cluster.local:9092',
  labels: { 'app.kubernetes.io/name': 'selfmonitor-kafka' },
  security: true,
}

function problems(changes: Record<string, unknown>): readonly string[] {
  try {
    parseSpec(JSON.stringify({ ...good, ...changes }), 'spec.json')
  } catch (error) {
    return (error as { problems: readonly string[] }).problems
  }
  return []
}

describe('the spec', () => {
  it('is read with durations in milliseconds', () => {
    const { tls, ...rest } = parseSpec(JSON.stringify(good), 'spec.json')
    expect(tls).toMatchObject({ validityMs: 31_536_000_000, renewBeforeMs: 2_592_000_000, mode: 'chart' })
    expect(rest).toMatchObject({ security: true, identity: { controllers: 9 }, accounts: [{ name: 'admin' }] })
  })

  it('may leave out everything but the identity when security is off', () => {
    const text = JSON.stringify({ namespace: 'kafka', security: false, identity: { controllers: 0 } })
    expect(parseSpec(text, 'spec.json')).toMatchObject({
      security: false,
      tls: { mode: 'none' },
      identity: { configMap: 'kafka-identity', controllers: 0 },
    })
  })

  it.each([
    [
      'a wrong mode',
      { tls: { ...good.tls, mode: 'self' } },
      'tls.mode is "self": set one of chart, cert-manager, existing, none',
    ],
    [
      'no TLS with security',
      { tls: { ...good.tls, mode: 'none' } },
      'tls.mode is "none" with security: true: set a mode, or security: false',
    ],
    [
      'a number as duration',
      { tls: { ...good.tls, validity: 30 } },
      'tls.validity is 30: set a duration such as "720h"',
    ],
    [
      'a renewal longer than a life',
      { tls: { ...good.tls, renewBefore: '9000h' } },
      'tls.renewBefore is "9000h": set less than tls.validity',
    ],
    ['a key that is not known', { acounts: [] }, expect.stringMatching(/^acounts is not known: one of namespace,/)],
    [
      'a comma in a common name',
      { tls: { ...good.tls, certificates: [{ secret: 'a', commonName: 'a,b' }] } },
      expect.stringMatching(/^tls\.certificates\[0\]\.commonName is "a,b": set/),
    ],
    [
      'quotes in an account',
      { accounts: [{ name: 'a"b', secret: 's' }] },
      expect.stringMatching(/^accounts\[0\]\.name is "a\\"b": set letters/),
    ],
    [
      'an address without a port',
      { bootstrapServers: 'kafka' },
      'bootstrapServers is "kafka": set host:port, more of them separated by commas',
    ],
    [
      'a line feed in an address',
      { bootstrapServers: 'kafka:9092\nx=y:1' },
      expect.stringMatching(/^bootstrapServers/),
    ],
    [
      'one Secret twice',
      { accounts: [{ name: 'a', secret: 'kafka-broker-tls' }] },
      'Secret "kafka-broker-tls" is named twice: every certificate, account and login needs its own',
    ],
    ['no controllers', { identity: {} }, 'identity.controllers is missing: set a number from 0 to 100'],
    [
      'a name for an address',
      { tls: { ...good.tls, certificates: [{ secret: 'a', commonName: 'a', ipAddresses: ['x'] }] } },
      'tls.certificates[0].ipAddresses[0] is "x": set an IP address',
    ],
    [
      'an address on one interface',
      { tls: { ...good.tls, certificates: [{ secret: 'a', commonName: 'a', ipAddresses: ['fe80::1%eth0'] }] } },
      'tls.certificates[0].ipAddresses[0] is "fe80::1%eth0": set an IP address',
    ],
    ['security as text', { security: 'yes' }, 'security is "yes": set true or false'],
  ])('with %s is refused', (_, changes, problem) => {
    expect(problems(changes)).toEqual([problem])
  })

  it('names every mistake at once, with the file', () => {
    expect(() => parseSpec('{', '/etc/spec.json')).toThrow(
      /^\/etc\/spec\.json is not a credentials spec:\n {2}is not JSON/,
    )
    expect(problems({ namespace: 'Kafka', labels: { a: 'b c' }, identity: { controllers: -1 } })).toHaveLength(3)
  })
})
