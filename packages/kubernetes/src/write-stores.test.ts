// Java and OpenSSL as judges of the stores that we write: what is in them, and that a TLS server of Java serves with them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApacheError, findJava, run } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCertificates, readPrivateKey } from './certificates/inspect.ts'
import { issueCa, issueLeaf } from './certificates/issue.ts'
import { writeStores } from './write-stores.ts'

const day = 86_400_000
const now = new Date()
const folder = mkdtempSync(join(tmpdir(), 'selfmonitor-stores-'))
const tls = join(folder, 'tls')
const [ca, other] = [await issueCa('first CA', 3650 * day, now), await issueCa('second CA', 3650 * day, now)]
const at = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const trust = [at('ca.crt', ca.certificate + other.certificate), at('again.crt', ca.certificate)]

beforeAll(async () => {
  const issuer = { certificate: readCertificates(ca.certificate)[0]!, key: readPrivateKey(ca.key) }
  const leaf = await issueLeaf(issuer, 'connect', { dnsNames: ['localhost'], ipAddresses: [] }, day, now)
  mkdirSync(tls)
  writeFileSync(join(tls, 'tls.crt'), leaf.certificate + ca.certificate)
  writeFileSync(join(tls, 'tls.key'), leaf.key)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const out = (name: string): string => {
  const made = join(folder, name)
  mkdirSync(made)
  return made
}
/** keytool of the Java that would run the servers, or why there is none. */
const keytool = await findJava().then(
  (java) => join(java, '..', 'keytool'),
  (error: unknown) => {
    if (!(error instanceof ApacheError) || process.env.CI) throw error
    return null
  },
)

describe('writing stores', () => {
  it('generates a new password each time, and writes files that only this user can read', async () => {
    const [one, two] = [out('one'), out('two')]
    const written = await writeStores({ certificate: tls, trust, out: one })
    await writeStores({ certificate: tls, trust, out: two })
    expect(written.map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600])
    const password = (from: string) => readFileSync(join(from, 'store-password'), 'utf8')
    expect(password(one)).toMatch(/^[A-Za-z0-9]{40}$/)
    expect(password(one)).not.toBe(password(two))
  })

  it('names the file that is missing, has no certificate, or does not fit', async () => {
    const refused = (options: Partial<Parameters<typeof writeStores>[0]>) =>
      expect(writeStores({ trust, out: folder, ...options })).rejects
    await refused({ trust: [join(folder, 'none.crt')] }).toThrow(`${join(folder, 'none.crt')}: cannot be read (ENOENT)`)
    await refused({ trust: [at('empty.crt', '\n')] }).toThrow('empty.crt: there is no certificate')
    await refused({ out: join(folder, 'nowhere') }).toThrow('cannot be written (ENOENT)')
    const wrong = out('wrong')
    writeFileSync(join(wrong, 'tls.crt'), other.certificate)
    writeFileSync(join(wrong, 'tls.key'), ca.key)
    await refused({ certificate: wrong }).toThrow(`${wrong}: the key is not the key of the certificate`)
  })

  it('makes a key store that OpenSSL reads', async () => {
    const made = out('openssl')
    await writeStores({ certificate: tls, trust, out: made })
    const words = [
      'pkcs12',
      '-in',
      join(made, 'keystore.p12'),
      '-nomacver',
      '-nodes',
      '-passin',
      `file:${join(made, 'store-password')}`,
    ]
    const read = await run('openssl', words)
    expect(read.exitCode, read.stderr).toBe(0)
    expect(
      readPrivateKey(read.stdout.slice(read.stdout.indexOf('-----BEGIN PRIVATE'))).equals(
        readPrivateKey(readFileSync(join(tls, 'tls.key'), 'utf8')),
      ),
    ).toBe(true)
    expect(readCertificates(read.stdout)).toHaveLength(2)
  })
})

describe.skipIf(keytool === null)('Java', () => {
  it('finds the key with its chain, and each CA once, as trusted', async () => {
    const made = out('java')
    await writeStores({ certificate: tls, trust, out: made })
    const list = async (store: string) => {
      const words = ['-list', '-v', '-storetype', 'PKCS12', '-keystore', join(made, store)]
      const { stdout, exitCode } = await run(keytool!, [...words, '-storepass:file', join(made, 'store-password')])
      expect(exitCode, stdout).toBe(0)
      return stdout
    }
    const keys = await list('keystore.p12')
    expect(keys).toContain('Your keystore contains 1 entry')
    expect(keys).toContain('Entry type: PrivateKeyEntry\nCertificate chain length: 2')
    const trusted = await list('truststore.p12')
    expect(trusted.match(/Entry type: trustedCertEntry/g)).toHaveLength(2)
    expect(trusted).toContain('Owner: CN=second CA')
  })
})
