// One real Apache Kafka with accounts, an authorizer and TLS, as in production, and its certificates.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startApache } from '@selfmonitor/apache'
import { connectCluster } from '@selfmonitor/cluster'
import { freePorts } from './ports.ts'

export interface Pair {
  readonly cert: string
  /** PKCS#8, PEM. */
  readonly key: string
}

export interface Authority extends Pair {
  /** @param days how long it is valid; default 1 */
  issue(commonName: string, names?: readonly string[], addresses?: readonly string[], days?: number): Promise<Pair>
}

export interface SecureApache {
  /** SASL_SSL with SCRAM, 127.0.0.1; the certificate is also valid for `localhost`, and for no other name. */
  readonly bootstrapServers: string
  /** SSL with required client certificates; its common name is the principal. */
  readonly mutualServers: string
  /** SASL_PLAINTEXT. */
  readonly saslPlainServers: string
  readonly ca: Authority
  /** A super user. */
  readonly admin: { readonly name: string; readonly password: string }
  /** A folder of the tests' own, deleted by `close`. */
  readonly dir: string
  /** Writes a client.properties for an account and returns its path. */
  clientProperties(user: { readonly name: string; readonly password: string }): Promise<string>
  close(): Promise<void>
}

const openssl = promisify(execFile)

/** A certificate authority, made with openssl in a folder of its own. @param days how long it is valid */
export async function createAuthority(commonName = 'Test CA', days = 1): Promise<Authority> {
  const certify = (name: string, validDays: number, args: readonly string[]) =>
    inFolder(async (folder) => {
      const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
      await openssl('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', `${validDays}`],
        ...['-subj', `/CN=${name}`, '-out', certFile, '-keyout', keyFile, ...args],
      ])
      return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }
    })
  const own = await certify(commonName, days, ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'])
  return {
    ...own,
    issue: (name, names = [], addresses = [], validDays = 1) =>
      inFolder(async (folder) => {
        const [certFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca.key')]
        await writeFile(certFile, own.cert)
        await writeFile(keyFile, own.key, { mode: 0o600 })
        const alternatives = [...names.map((n) => `DNS:${n}`), ...addresses.map((a) => `IP:${a}`)]
        return certify(name, validDays, [
          ...['-CA', certFile, '-CAkey', keyFile],
          ...['-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
          ...(alternatives.length > 0 ? ['-addext', `subjectAltName=${alternatives.join(',')}`] : []),
        ])
      }),
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-tls-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Starts it, with one super user, `admin`. Takes some ten seconds: one for a test file.
 * @param more further settings of the broker
 */
export async function startSecureApache(more: Readonly<Record<string, string>> = {}): Promise<SecureApache> {
  const dir = await mkdtemp(join(tmpdir(), 'selfmonitor-secure-apache-'))
  const remove = () => rm(dir, { recursive: true, force: true })
  try {
    const ca = await createAuthority()
    const broker = await ca.issue('kafka-broker', ['localhost'], ['127.0.0.1'])
    const files = join(dir, 'tls')
    await mkdir(files)
    await writeFile(join(files, 'broker.pem'), broker.key + broker.cert + ca.cert, { mode: 0o600 })
    await writeFile(join(files, 'ca.pem'), ca.cert)
    const [sasl, mutual, saslPlain] = await freePorts(3)
    const jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
    const kafka = await startApache({
      dataDir: join(dir, 'kafka'),
      port: 0,
      heapMb: 384,
      config: ({ host, port, controllerPort }) => ({
        listeners: `PLAINTEXT://${host}:${port},SASL_SSL://${host}:${sasl},SSL://${host}:${mutual},SASL_PLAINTEXT://${host}:${saslPlain},CONTROLLER://${host}:${controllerPort}`,
        'advertised.listeners': `PLAINTEXT://${host}:${port},SASL_SSL://${host}:${sasl},SSL://${host}:${mutual},SASL_PLAINTEXT://${host}:${saslPlain}`,
        'listener.security.protocol.map':
          'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
        'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
        ...Object.fromEntries(
          ['sasl_ssl', 'sasl_plaintext'].flatMap((listener) =>
            ['scram-sha-256', 'scram-sha-512'].map((mechanism) => [
              `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
              jaas,
            ]),
          ),
        ),
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': join(files, 'broker.pem'),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': join(files, 'ca.pem'),
        'listener.name.ssl.ssl.client.auth': 'required',
        'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/,DEFAULT',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        // ANONYMOUS are the broker and the controller among themselves, and this file, which makes the first account.
        'super.users': 'User:ANONYMOUS;User:admin',
        ...more,
      }),
    })
    const admin = { name: 'admin', password: randomBytes(12).toString('hex') }
    const inside = connectCluster({ bootstrapServers: kafka.bootstrapServers })
    try {
      await inside.setUserPasswords([admin])
    } finally {
      await inside.close()
    }
    const bootstrapServers = `127.0.0.1:${sasl}`
    return {
      bootstrapServers,
      mutualServers: `127.0.0.1:${mutual}`,
      saslPlainServers: `127.0.0.1:${saslPlain}`,
      ca,
      admin,
      dir,
      async clientProperties({ name, password }) {
        const path = join(dir, `${name}.properties`)
        const text = [
          `bootstrap.servers=${bootstrapServers}`,
          'security.protocol=SASL_SSL',
          'sasl.mechanism=SCRAM-SHA-512',
          `sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="${name}" password="${password}";`,
          'ssl.truststore.type=PEM',
          `ssl.truststore.location=${join(files, 'ca.pem')}`,
        ]
        await writeFile(path, `${text.join('\n')}\n`, { mode: 0o600 })
        return path
      },
      async close() {
        await kafka.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
