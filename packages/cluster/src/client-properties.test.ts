import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadClientProperties, parseClientProperties } from './client-properties.ts'
import type { ClusterError } from './errors.ts'

const certificate = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(20).replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`
const files: Record<string, string> = { '/tls/ca.pem': `Bag Attributes\n${certificate}` }
function readFile(path: string): string {
  const text = files[path]
  if (text === undefined) {
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
  }
  return text
}
const parse = (...lines: string[]) => parseClientProperties(lines.join('\n'), { readFile, path: 'client.properties' })

function errorOf(...lines: string[]): ClusterError {
  try {
    parse(...lines)
  } catch (error) {
    return error as ClusterError
  }
  throw new Error('it did not fail')
}

const jaas = (user: string, password: string, module = 'scram.ScramLoginModule') =>
  `sasl.jaas.config=org.apache.kafka.common.security.${module} required username="${user}" password="${password}";`

const secure = [
  'security.protocol=SASL_SSL',
  'sasl.mechanism=SCRAM-SHA-512',
  jaas('admin', 'secret'),
  'ssl.truststore.type=PEM',
  'ssl.truststore.location=/tls/ca.pem',
]

describe('client.properties', () => {
  it('gives the connection of an account over TLS', () => {
    expect(parse('bootstrap.servers=a:9092,b:9092', 'client.id=ops', ...secure)).toEqual({
      options: {
        bootstrapServers: 'a:9092,b:9092',
        clientId: 'ops',
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password: 'secret' },
        tls: { ca: certificate },
      },
      ignored: [],
    })
  })

  it('is plaintext when nothing is said, and may leave out the bootstrap servers', () => {
    expect(parse('').options).toEqual({})
  })

  it('takes the limit of a whole operation rather than that of one request', () => {
    expect(parse('request.timeout.ms=5000').options.timeoutMs).toBe(5_000)
    expect(parse('request.timeout.ms=5000', 'default.api.timeout.ms=9000').options.timeoutMs).toBe(9_000)
  })

  it('reads PLAIN, and the protocol in any case', () => {
    const { options } = parse(
      'security.protocol=sasl_plaintext',
      'sasl.mechanism=PLAIN',
      jaas('u', 'p', 'plain.PlainLoginModule'),
    )
    expect(options).toEqual({ sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } })
  })

  it('reads a login module over several lines, with single quotes, other options and any order', () => {
    const { options } = parse(
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=SCRAM-SHA-256',
      'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\',
      '  serviceName="kafka" password=\'p w;=\\\\\\\\x\' \\',
      '  username=bob ;',
    )
    expect(options.sasl).toEqual({ mechanism: 'SCRAM-SHA-256', username: 'bob', password: 'p w;=\\x' })
  })

  it('ignores what only other clients need, and lists it', () => {
    expect(parse('group.id=x', 'acks=all', 'client.id=ops').ignored).toEqual(['group.id', 'acks'])
  })

  it('does not read stores and accounts that the protocol does not use', () => {
    const { options, ignored } = parse(
      'security.protocol=PLAINTEXT',
      ...secure.slice(1),
      'ssl.keystore.location=/gone.jks',
    )
    expect(options).toEqual({})
    expect(ignored).toEqual([])
  })

  it('takes a truststore that stands in the file, as one line or several', () => {
    const oneLine = certificate.replaceAll('\n', ' ')
    for (const text of [oneLine, certificate.trim().replaceAll('\n', '\\n\\\n')]) {
      const { options } = parse(
        'security.protocol=SSL',
        'ssl.truststore.type=PEM',
        `ssl.truststore.certificates=${text}`,
      )
      expect(options.tls).toEqual({ ca: certificate })
    }
  })

  it('reads a client certificate and its encrypted key from one PEM store', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
    files['/tls/me.pem'] = `${encrypted}${certificate}${certificate}`
    const keystore = ['security.protocol=SSL', 'ssl.keystore.type=PEM', 'ssl.keystore.location=/tls/me.pem']
    expect(parse(...keystore, 'ssl.key.password=open').options.tls).toEqual({
      cert: certificate + certificate,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    })
    expect(errorOf(...keystore, 'ssl.key.password=shut').message).toContain('client.properties:4: ssl.key.password: ')
    expect(errorOf(...keystore).message).toContain('the private key is encrypted')
  })

  it('takes key and chain from the file itself', () => {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const { options } = parse(
      'security.protocol=SSL',
      'ssl.keystore.type=PEM',
      `ssl.keystore.key=${key.replaceAll('\n', '\\n')}`,
      `ssl.keystore.certificate.chain=${certificate.replaceAll('\n', '\\n')}`,
    )
    expect(options.tls).toEqual({ cert: certificate, key })
  })

  it('takes a certificate for any name only when the algorithm is empty', () => {
    expect(parse('security.protocol=SSL', 'ssl.endpoint.identification.algorithm=').options.tls).toEqual({
      verifyHostname: false,
    })
    expect(parse('security.protocol=SSL', 'ssl.endpoint.identification.algorithm=HTTPS').options.tls).toEqual({})
    expect(errorOf('security.protocol=SSL', 'ssl.endpoint.identification.algorithm=none').message).toContain(
      ':2: ssl.endpoint',
    )
  })

  it.each([
    ['JKS', 'ssl.truststore.location=/tls/trust.jks', 'keytool -importkeystore -srckeystore /tls/trust.jks'],
    [
      'PKCS12',
      'ssl.truststore.location=/tls/trust.p12',
      'openssl pkcs12 -in /tls/trust.p12 -nokeys -out /tls/trust.pem',
    ],
    ['PKCS12', 'ssl.keystore.location=/tls/me.p12', 'openssl pkcs12 -in /tls/me.p12 -nodes -out /tls/me.pem'],
  ])('says how to convert a %s store: %s', (type, line, command) => {
    const store = line.includes('truststore') ? 'truststore' : 'keystore'
    const error = errorOf('security.protocol=SSL', line, `ssl.${store}.type=${type}`)
    expect(error).toMatchObject({ code: 'INVALID_CLIENT_PROPERTIES', reason: 'invalid' })
    expect(error.message).toContain(`client.properties:2: ssl.${store}.location: `)
    expect(error.hint).toContain(command)
    expect(error.hint).toContain(`ssl.${store}.type=PEM`)
  })

  it("remembers that Kafka's default store type is JKS", () => {
    expect(errorOf('security.protocol=SSL', 'ssl.truststore.location=/tls/ca.pem').message).toContain('read as JKS')
  })

  it.each([
    ['a protocol that there is not', ['security.protocol=TLS'], ':1: security.protocol: TLS is not one'],
    ['no mechanism', ['security.protocol=SASL_SSL', jaas('a', 'hidden')], 'sasl.mechanism: it is missing'],
    [
      'Kerberos',
      ['security.protocol=SASL_SSL', 'sasl.mechanism=GSSAPI'],
      ':2: sasl.mechanism: GSSAPI is not supported',
    ],
    ['no account', ['security.protocol=SASL_SSL', 'sasl.mechanism=PLAIN'], 'sasl.jaas.config: it is missing'],
    [
      'no semicolon',
      [...secure.slice(0, 2), jaas('a', 'hidden').replace(';', '')],
      ':3: sasl.jaas.config: it is not a login',
    ],
    ['an open quote', [...secure.slice(0, 2), jaas('a', 'hidden"')], ':3: sasl.jaas.config: it is not a login'],
    [
      'another module',
      [...secure.slice(0, 2), jaas('a', 'hidden', 'plain.PlainLoginModule')],
      'PlainLoginModule does not fit',
    ],
    ['no password', [...secure.slice(0, 2), jaas('a', '')], 'password is missing'],
    [
      'a store that is gone',
      ['security.protocol=SSL', 'ssl.truststore.type=PEM', 'ssl.truststore.location=/no.pem'],
      ':3: ssl.truststore.location: /no.pem cannot be read: there is no such file',
    ],
    [
      'a store of something else',
      ['security.protocol=SSL', 'ssl.truststore.type=PEM', 'ssl.truststore.certificates=hello'],
      'no certificate in PEM',
    ],
    ['a time that is none', ['request.timeout.ms=30s'], ":1: request.timeout.ms: '30s' is not a number"],
    [
      'a config provider',
      ['config.providers=file', `bootstrap.servers=${'$'}{file:/x:y}`],
      ':2: bootstrap.servers: it refers to a config provider',
    ],
    ['a broken escape', ['a=1', 'b=\\u00'], 'client.properties:2: '],
  ])('names file, line and key, and never the password: %s', (_, lines, said) => {
    const error = errorOf(...lines)
    expect(error.message).toContain('client.properties')
    expect(error.message).toContain(said)
    expect(error.hint).not.toBe(null)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hidden')
  })

  it('says of a file that is not there what it wanted', () => {
    expect(() => loadClientProperties('/no/such/client.properties')).toThrow(
      '/no/such/client.properties cannot be read: there is no such file',
    )
  })
})
