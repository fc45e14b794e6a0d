// Reads Kafka's `client.properties`, so that one file works for kafka-topics, kafka-acls and this package. Settings that only other
// clients use are ignored, as in Kafka, and listed.
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ClusterError } from './errors.ts'
import { fileProblem } from './file-problem.ts'
import { parseJaas } from './jaas.ts'
import { MalformedEscape, type Property, parseProperties } from './java-properties.ts'
import type { ClusterOptions } from './types.ts'

export interface ClientProperties {
  /** For `connectCluster`; without `bootstrapServers` where the file names none, as it may for Kafka's tools. */
  readonly options: Omit<ClusterOptions, 'bootstrapServers'> & { readonly bootstrapServers?: string }
  /** Keys that are ignored here, in the file's order. */
  readonly ignored: readonly string[]
}

export interface ParseOptions {
  /** Reads the files that `ssl.truststore.location` and `ssl.keystore.location` name. */
  readonly readFile: (path: string) => string
  /** Name of the file, for the errors. */
  readonly path: string
}

/**
 * Reads a client.properties file. Java takes such a file as ISO-8859-1 (`Properties.load`): other characters are written as
 * `\uXXXX`. Relative locations in it are relative to the working directory, as they are for Kafka's tools.
 *
 * @throws ClusterError INVALID_CLIENT_PROPERTIES with file, line, key and what to do; never with a password
 */
export function loadClientProperties(path: string): ClientProperties {
  const readFile = (name: string) => readFileSync(name, 'latin1')
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw wrong(
      `${path} cannot be read: ${fileProblem(error)}`,
      'Name a file of Kafka client settings that you may read.',
    )
  }
  return parseClientProperties(text, { readFile, path })
}

/**
 * The same from a text.
 *
 * @throws ClusterError INVALID_CLIENT_PROPERTIES
 */
export function parseClientProperties(text: string, { readFile, path }: ParseOptions): ClientProperties {
  const file = openProperties(text, path)
  const protocol = (file.read('security.protocol') ?? 'PLAINTEXT').toUpperCase()
  if (!['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].includes(protocol)) {
    throw file.error('security.protocol', `${protocol} is not one`, 'Use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.')
  }
  const bootstrapServers = file.read('bootstrap.servers')
  const clientId = file.read('client.id')
  const requestTimeout = file.milliseconds('request.timeout.ms')
  const timeoutMs = file.milliseconds('default.api.timeout.ms') ?? requestTimeout
  const sasl = readSasl(file)
  const tls = readTls(file, protocol.endsWith('SSL') ? readFile : null)
  return {
    options: {
      ...(bootstrapServers === undefined ? {} : { bootstrapServers }),
      ...(clientId === undefined ? {} : { clientId }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(protocol.startsWith('SASL_') ? { sasl: sasl() } : {}),
      ...(tls === null ? {} : { tls }),
    },
    ignored: file.unread(),
  }
}

interface PropertiesFile {
  /** The value without the space around it, as Kafka's ConfigDef takes it; undefined where it is empty or missing. */
  read(key: string): string | undefined
  /** As `read`, an empty value as ''. */
  readEvenEmpty(key: string): string | undefined
  milliseconds(key: string): number | undefined
  /** Keys that were not read. */
  unread(): string[]
  error(key: string, problem: string, hint: string): ClusterError
}

function openProperties(text: string, path: string): PropertiesFile {
  let properties: Map<string, Property>
  try {
    properties = parseProperties(text)
  } catch (error) {
    if (!(error instanceof MalformedEscape)) {
      throw error
    }
    throw wrong(`${path}:${error.line}: ${error.message}`, 'Write a literal backslash twice.')
  }
  const used = new Set<string>()
  function error(key: string, problem: string, hint: string): ClusterError {
    const line = properties.get(key)?.line
    return wrong(`${path}${line === undefined ? '' : `:${line}`}: ${key}: ${problem}`, hint)
  }
  function readEvenEmpty(key: string): string | undefined {
    used.add(key)
    const value = properties.get(key)?.value.trim()
    if (value !== undefined && /\$\{[^}]*:[^}]*\}/.test(value) && properties.has('config.providers')) {
      throw error(
        key,
        'it refers to a config provider, which is not supported here',
        'Write the value itself into the file.',
      )
    }
    return value
  }
  const read = (key: string) => readEvenEmpty(key) || undefined
  return {
    read,
    readEvenEmpty,
    error,
    milliseconds(key) {
      const value = read(key)
      if (value !== undefined && !/^[1-9]\d{0,9}$/.test(value)) {
        throw error(key, `'${value}' is not a number of milliseconds`, 'Use a whole number, for example 30000.')
      }
      return value === undefined ? undefined : Number(value)
    },
    unread: () => [...properties.keys()].filter((key) => !used.has(key)),
  }
}

const loginModules = {
  PLAIN: 'PlainLoginModule',
  'SCRAM-SHA-256': 'ScramLoginModule',
  'SCRAM-SHA-512': 'ScramLoginModule',
}

function isMechanism(text: string): text is keyof typeof loginModules {
  return text in loginModules
}

/** Reads the keys, so that they count as known, and validates them only if the protocol needs them. */
function readSasl(file: PropertiesFile): () => NonNullable<ClusterOptions['sasl']> {
  const mechanism = file.read('sasl.mechanism')
  const jaas = file.read('sasl.jaas.config')
  return () => {
    if (mechanism === undefined) {
      throw file.error(
        'sasl.mechanism',
        "it is missing, and Kafka's default (GSSAPI) is not supported here",
        'Set SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN, whichever the listener supports.',
      )
    }
    if (!isMechanism(mechanism)) {
      throw file.error('sasl.mechanism', `${mechanism} is not supported`, 'Use SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN.')
    }
    const module = loginModules[mechanism]
    const example = `org.apache.kafka.common.security.${mechanism === 'PLAIN' ? 'plain' : 'scram'}.${module} required username="…" password="…";`
    if (jaas === undefined) {
      throw file.error('sasl.jaas.config', 'it is missing', `Set ${example}`)
    }
    const entry = parseJaas(jaas)
    if (entry === null) {
      throw file.error(
        'sasl.jaas.config',
        'it is not a login module with its options, ended by a semicolon',
        `Write ${example} In a properties file, write a backslash of the password four times.`,
      )
    }
    if (entry.module !== module) {
      throw file.error('sasl.jaas.config', `${entry.module} does not fit ${mechanism}`, `Write ${example}`)
    }
    const { username, password, tokenauth } = entry.options
    if (tokenauth?.toLowerCase() === 'true') {
      throw file.error('sasl.jaas.config', 'delegation tokens are not supported', 'Use an account and its password.')
    }
    if (!username || !password) {
      throw file.error('sasl.jaas.config', `${username ? 'password' : 'username'} is missing`, `Write ${example}`)
    }
    return { mechanism, username, password }
  }
}

/** @param readFile null when the protocol has no TLS: the keys are then known but not used */
function readTls(file: PropertiesFile, readFile: ParseOptions['readFile'] | null): ClusterOptions['tls'] | null {
  const algorithm = file.readEvenEmpty('ssl.endpoint.identification.algorithm') ?? 'https'
  const trust = readStore(file, 'truststore', readFile)
  const trustInline = file.read('ssl.truststore.certificates')
  const own = readStore(file, 'keystore', readFile)
  const ownKey = file.read('ssl.keystore.key')
  const ownChain = file.read('ssl.keystore.certificate.chain')
  const keyPassword = file.read('ssl.key.password')
  if (readFile === null) {
    return null
  }
  if (algorithm !== '' && algorithm.toLowerCase() !== 'https') {
    throw file.error(
      'ssl.endpoint.identification.algorithm',
      `${algorithm} is not one`,
      'Leave it out, or leave it empty to accept a certificate for any name.',
    )
  }
  const ca = certificates(file, trust, 'ssl.truststore.location', trustInline, 'ssl.truststore.certificates')
  const cert = certificates(file, own, 'ssl.keystore.location', ownChain, 'ssl.keystore.certificate.chain')
  const keySource = own === undefined ? 'ssl.keystore.key' : 'ssl.keystore.location'
  const key = privateKey(file, own ?? ownKey, keySource, keyPassword)
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] =
      key === undefined ? ['certificate', 'ssl.keystore.key'] : ['key', 'ssl.keystore.certificate.chain']
    throw file.error(
      lacks,
      `it is missing, but the ${has} is set`,
      'A client certificate needs both its key and its chain.',
    )
  }
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(algorithm === '' ? { verifyHostname: false } : {}),
  }
}

/** The text of a PEM store; undefined where no location is given. */
function readStore(
  file: PropertiesFile,
  store: 'truststore' | 'keystore',
  readFile: ParseOptions['readFile'] | null,
): string | undefined {
  const type = (file.read(`ssl.${store}.type`) ?? 'JKS').toUpperCase()
  const key = `ssl.${store}.location`
  const location = file.read(key)
  const inline = store === 'truststore' ? 'ssl.truststore.certificates' : 'ssl.keystore.key'
  if (readFile === null) {
    return undefined
  }
  if (type !== 'PEM') {
    const what = location ?? (file.read(inline) === undefined ? undefined : `the value of ${inline}`)
    if (what === undefined) {
      return undefined
    }
    if (location === undefined) {
      throw file.error(inline, `it is PEM, and ssl.${store}.type is ${type}`, `Set ssl.${store}.type=PEM.`)
    }
    throw file.error(
      key,
      `${location} is read as ${type}, and only PEM can be read here`,
      `If it is PEM, set ssl.${store}.type=PEM. Else convert it: ${conversion(type, store, location)} and set ssl.${store}.type=PEM and ssl.${store}.location to the new file; Kafka's tools read it too.`,
    )
  }
  if (location === undefined) {
    return undefined
  }
  try {
    return readFile(location)
  } catch (error) {
    throw file.error(
      key,
      `${location} cannot be read: ${fileProblem(error)}`,
      'Correct the path, or the rights of the file.',
    )
  }
}

function conversion(type: string, store: 'truststore' | 'keystore', location: string): string {
  const base = location.replace(/\.\w+$/, '')
  const toPem = (from: string) =>
    store === 'truststore'
      ? `\`openssl pkcs12 -in ${from} -nokeys -out ${base}.pem\``
      : `\`openssl pkcs12 -in ${from} -nodes -out ${base}.pem\` (the key is then not encrypted: mode 0600)`
  return type === 'PKCS12'
    ? toPem(location)
    : `\`keytool -importkeystore -srckeystore ${location} -destkeystore ${base}.p12 -deststoretype PKCS12\`, then ${toPem(`${base}.p12`)}`
}

/** Certificates of a store or of an inline value, each in OpenSSL's format. */
function certificates(
  file: PropertiesFile,
  store: string | undefined,
  storeKey: string,
  inline: string | undefined,
  inlineKey: string,
): string | undefined {
  if (store !== undefined && inline !== undefined) {
    throw file.error(inlineKey, `${storeKey} is there too`, 'Keep one of the two.')
  }
  const text = store ?? inline
  if (text === undefined) {
    return undefined
  }
  const found = pemBlocks(text, /^CERTIFICATE$/)
  if (found.length === 0) {
    throw file.error(store === undefined ? inlineKey : storeKey, 'it holds no certificate in PEM', pemHint)
  }
  return found.join('')
}

const pemHint = 'PEM has lines of the form -----BEGIN CERTIFICATE-----; inside a properties file each ends with \\n\\'

function privateKey(
  file: PropertiesFile,
  text: string | undefined,
  source: string,
  password: string | undefined,
): string | undefined {
  if (text === undefined) {
    return undefined
  }
  const [pem, ...more] = pemBlocks(text, /PRIVATE KEY$/)
  if (pem === undefined || more.length > 0) {
    const hint = 'Put one private key there, in PEM (PKCS#8), beside its certificate chain.'
    throw file.error(
      source,
      pem === undefined ? 'it holds no private key in PEM' : 'it holds several private keys',
      hint,
    )
  }
  if (!pem.startsWith('-----BEGIN ENCRYPTED')) {
    return pem
  }
  if (password === undefined) {
    throw file.error('ssl.key.password', 'it is missing, and the private key is encrypted', 'Set it.')
  }
  try {
    return createPrivateKey({ key: pem, passphrase: password }).export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch {
    throw file.error('ssl.key.password', 'the private key cannot be decrypted with it', 'Correct it, or check the key.')
  }
}

/** PEM blocks with normalised line breaks: in a properties file a block is often on one line. */
function pemBlocks(text: string, label: RegExp): string[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g)]
    .filter(([, name]) => label.test(name!))
    .map(([, name, body]) => {
      const lines = body!.replace(/\s+/g, '').match(/.{1,64}/g) ?? []
      return `-----BEGIN ${name}-----\n${lines.join('\n')}\n-----END ${name}-----\n`
    })
}

function wrong(message: string, hint: string): ClusterError {
  return new ClusterError('INVALID_CLIENT_PROPERTIES', message, { reason: 'invalid', hint })
}
