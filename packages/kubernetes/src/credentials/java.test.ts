// Apache Kafka and our own commands as judges of what is made here: the properties file, and the PEM files of a broker.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApacheError, fetchDistribution, jarOf, run } from '@selfmonitor/apache'
import { parseClientProperties } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCertificates, readPrivateKey } from '../certificates/inspect.ts'
import { issueCa, issueLeaf } from '../certificates/issue.ts'
import { newPassword } from '../random.ts'
import { clientProperties } from './client-properties.ts'

const program = fileURLToPath(new URL('../../testing/ReadCredentials.java', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-java-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const day = 86_400_000
const now = new Date()
const ca = await issueCa('test CA', 3650 * day, now)
const [caCertificate] = readCertificates(ca.certificate)
const issuer = { certificate: caCertificate!, key: readPrivateKey(ca.key) }
// As it is after the CA was renewed: two of the same name and key.
const bundle = (await issueCa('', 3650 * day, now, issuer)).certificate + ca.certificate
const leaf = await issueLeaf(
  issuer,
  'kafka-broker',
  { dnsNames: ['*.kafka-headless.kafka.svc', 'localhost'], ipAddresses: ['127.0.0.1'] },
  365 * day,
  now,
)

const passwords = [
  ['one that was generated', newPassword()],
  ['one with every kind of quote', 'p "q" \\ r, = : # ! supplied; $HOME `x`'],
  ['one with spaces around it', ' surrounded '],
] as const

/** What is needed to run a Java source file, or why it cannot be had. */
async function findTools(): Promise<{ java: string; classPath: string } | string> {
  try {
    const distribution = await fetchDistribution()
    const { stdout } = await run(distribution.java, ['--list-modules'])
    if (!stdout.includes('jdk.compiler'))
      throw new ApacheError('JAVA_MISSING', 'the Java here is no JDK', 'Install one')
    const jars = await Promise.all(['kafka-clients', 'slf4j-api'].map((artifact) => jarOf(distribution, artifact)))
    return { java: distribution.java, classPath: jars.join(delimiter) }
  } catch (error) {
    if (!(error instanceof ApacheError) || process.env.CI) throw error
    return error.message
  }
}

const tools = await findTools()

// One JVM for all of them: starting it and compiling the program is what takes the time.
describe.skipIf(typeof tools === 'string')('Apache Kafka', () => {
  let lines: string[] = []
  beforeAll(async () => {
    const { java, classPath } = tools as Exclude<typeof tools, string>
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const files = [
      write('keystore.pem', leaf.key + leaf.certificate + ca.certificate),
      write('truststore.pem', bundle),
      ...passwords.map(([, password], index) =>
        write(`${index}.properties`, clientProperties('kafka-service.kafka.svc:9092', 'admin', password, bundle)),
      ),
    ]
    const result = await run(java, ['-Xmx256m', '-cp', classPath, program, ...files], { timeoutMs: 60_000 })
    expect(result.exitCode, result.stderr).toBe(0)
    lines = result.stdout.trimEnd().split('\n')
  }, 90_000)

  it('reads a broker’s PEM files as they were meant, with both certificates of a renewed CA', () => {
    expect(lines.slice(0, 3)).toEqual(['chain=2', 'trusted=2', 'needClientAuth=true'])
  })

  it.each(passwords.map(([what, password], index) => [what, password, index] as const))(
    'reads client.properties as it was meant: %s',
    (_, password, index) => {
      expect(lines.slice(3 + 5 * index, 8 + 5 * index)).toEqual([
        'bootstrap.servers=kafka-service.kafka.svc:9092',
        'module=org.apache.kafka.common.security.scram.ScramLoginModule',
        'username=admin',
        `password=${password}`,
        'client=made',
      ])
    },
  )
})

describe('our own commands', () => {
  it.each(passwords)('read client.properties as it was meant: %s', (_, password) => {
    const text = clientProperties('kafka-service.kafka.svc:9092', 'admin', password, bundle)
    const readFile = () => {
      throw new Error('no other file is needed')
    }
    expect(parseClientProperties(text, { readFile, path: 'client.properties' })).toMatchObject({
      options: {
        bootstrapServers: 'kafka-service.kafka.svc:9092',
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password },
        tls: { ca: bundle },
      },
    })
  })
})
