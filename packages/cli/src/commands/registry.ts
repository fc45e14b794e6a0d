// `selfmonitor registry`: a Schema Registry for any cluster, and the hashes of its passwords.
import { resolve } from 'node:path'
import type { CompatibilityLevel, RegistryOptions } from '@selfmonitor/registry'
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'
import { collect, integer } from '../framework/parse.ts'
import { readPassword } from '../framework/secret.ts'
import { defaults } from '../framework/settings.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { openServerLog } from '../local/logger.ts'
import { listenAddress } from './listen-address.ts'

const levels: readonly CompatibilityLevel[] = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
]

const serveOptions = {
  listen: text('--listen <address>', `address and port (default 127.0.0.1:${defaults.registryPort})`),
  access: text('--access <file>', 'who may log in and do what; without it everyone may do everything'),
  tlsCertificate: text('--tls-certificate <file>', 'certificate of the server, PEM, with intermediate ones after it'),
  tlsKey: text('--tls-key <file>', 'its key, PEM, without a passphrase'),
  tlsClientCa: text('--tls-client-ca <file>', 'CAs whose certificates clients may log in with'),
  tlsClientAuth: choice(
    '--tls-client-auth <how>',
    'whether every client must show a certificate of these CAs',
    ['requested', 'required'],
    'requested',
  ),
  insecure: flag('--insecure', 'allow an address that other machines can reach without TLS or without --access'),
  allowHost: value('--allow-host <name>', 'also accept requests for this host name; repeatable', collect),
  topic: text('--topic <name>', 'topic that holds the schemas (default _schemas)'),
  replicationFactor: value('--replication-factor <n>', 'of this topic, where it is created (default 3)', integer(1)),
  compatibility: choice('--compatibility <level>', 'level while none is set', levels, 'BACKWARD'),
}

const serve = defineVerb({
  name: 'serve',
  summary: 'serve a Schema Registry on a cluster',
  details:
    'It keeps its schemas in the topic _schemas of the cluster, as Confluent’s registry does, which must not write there at the\n' +
    'same time. --command-config names the client.properties with its Kafka account. Renewed certificates and a changed access\n' +
    'file are in use within seconds; files that cannot be used are reported, and those before stay. Each change is recorded in\n' +
    'the audit trail; in production it is refused when it cannot be. docs/registry.md has an access file to begin with.',
  examples: [
    'selfmonitor registry serve --bootstrap-servers kafka:9092',
    'selfmonitor registry serve --command-config client.properties --listen 0.0.0.0:8081 --access access.yaml ' +
      '--tls-certificate tls.crt --tls-key tls.key --tls-client-ca clients.crt --allow-host .kafka.svc',
  ],
  options: serveOptions,
  async run(context, { options }) {
    const { io, settings } = context
    const { host, port = defaults.registryPort } = listenAddress(options.listen, defaults.registryPort)
    const inFolder = (file: string | undefined) => (file === undefined ? undefined : resolve(io.cwd, file))
    const tls = tlsFiles(options, inFolder)
    context.isDefaultAddress('cluster')
    io.saveMemory?.()
    const log = await openServerLog(undefined, io.env.SELFMONITOR_LOG_LEVEL ?? (settings.verbose ? 'debug' : 'info'))
    context.onEnd(() => log.close())
    const { startRegistry } = await import('@selfmonitor/registry/server')
    const registry = await startRegistry({
      bootstrapServers: settings.bootstrapServers.value,
      security: settings.security,
      ...{ host, port, tls, logger: log.logger },
      accessFile: inFolder(options.access),
      insecure: options.insecure,
      allowedHosts: options.allowHost,
      topic: options.topic,
      replicationFactor: options.replicationFactor,
      compatibilityLevel: options.compatibility,
      startTimeoutMs: settings.timeoutMs,
      recordChange: await recordChange(context),
    } satisfies RegistryOptions)
    context.note(`Schema Registry of ${settings.bootstrapServers.value} on ${registry.url}`)
    await new Promise<void>((done) => {
      if (io.signal.aborted) done()
      else io.signal.addEventListener('abort', () => done(), { once: true })
    })
    await registry.close()
    return undefined
  },
})

/** @throws CliError USAGE when only some of the files are named */
function tlsFiles(
  options: {
    readonly tlsCertificate: string | undefined
    readonly tlsKey: string | undefined
    readonly tlsClientCa: string | undefined
    readonly tlsClientAuth: 'requested' | 'required'
  },
  inFolder: (file: string | undefined) => string | undefined,
): RegistryOptions['tls'] {
  const [certificateFile, keyFile] = [inFolder(options.tlsCertificate), inFolder(options.tlsKey)]
  const clientCaFile = inFolder(options.tlsClientCa)
  if (certificateFile !== undefined && keyFile !== undefined) {
    if (options.tlsClientAuth === 'required' && clientCaFile === undefined) {
      throw usageError('--tls-client-auth required is given without --tls-client-ca.')
    }
    return { certificateFile, keyFile, clientCaFile, clientAuth: options.tlsClientAuth }
  }
  if (certificateFile === undefined && keyFile === undefined && clientCaFile === undefined) return undefined
  throw usageError('TLS needs both --tls-certificate and --tls-key.', '--tls-client-ca is only used with them.')
}

/** The trail is in the cluster that the registry serves, also where that is the default one. */
async function recordChange(context: Context): Promise<RegistryOptions['recordChange']> {
  await context.cluster()
  return async (change, run) => await context.audited(change, run)
}

const hashPassword = defineVerb({
  name: 'hash-password',
  summary: 'hash a password for an access file',
  details:
    'The password comes from --password-file, else from SELFMONITOR_PASSWORD, else from a prompt. The access file takes hashes of\n' +
    'scrypt, which this command writes, and of argon2id, as other tools write them.',
  examples: ['openssl rand -base64 24 | tee password | selfmonitor registry hash-password --password-file -'],
  options: {
    passwordFile: text('--password-file <file>', 'file that contains only the password; - for standard input'),
  },
  async run(context, { options }) {
    const password = await readPassword(context.io, 'the user', options.passwordFile)
    const { hashPassword: hash } = await import('@selfmonitor/registry/password')
    context.out(`${await hash(password)}\n`)
    return undefined
  },
})

export const registry: Noun = {
  name: 'registry',
  summary: 'a Schema Registry of a cluster: serve, hash-password',
  verbs: [serve, hashPassword],
}
