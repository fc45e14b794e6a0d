// `selfmonitor kubernetes`: commands for the pods of the chart. They also work in a terminal.
import { readFile } from 'node:fs/promises'
import type { KubernetesClient, KubernetesError, KubernetesErrorReason } from '@selfmonitor/kubernetes'
import type { Context } from '../framework/context.ts'
import { CliError, type ExitCode, exitCodes, usageError } from '../framework/errors.ts'
import { collect, duration } from '../framework/parse.ts'
import { choice, defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { counted } from '../output/format.ts'

const wait = value('--wait <duration>', 'how long to wait for objects that others create, default 10m', duration)
const serviceAccount = text(
  '--service-account <dir>',
  'folder with token, ca.crt and namespace; default where Kubernetes mounts it',
)

const codes: Readonly<Record<KubernetesErrorReason, ExitCode>> = {
  'cannot-connect': exitCodes.cannotConnect,
  'not-allowed': exitCodes.cannotConnect,
  timeout: exitCodes.failed,
  conflict: exitCodes.failed,
  invalid: exitCodes.failed,
  failed: exitCodes.failed,
}

/** Runs with a client of this pod's API server. */
async function inCluster<T>(
  context: Context,
  folder: string | undefined,
  namespace: string | undefined,
  action: (client: KubernetesClient, kubernetes: typeof import('@selfmonitor/kubernetes')) => Promise<T>,
): Promise<T> {
  const kubernetes = await import('@selfmonitor/kubernetes')
  try {
    const connection = kubernetes.inClusterConnection(context.io.env, folder)
    const client = kubernetes.connectKubernetes(connection, {
      namespace,
      requestTimeoutMs: context.settings.timeoutMs,
      signal: context.io.signal,
      onRetry: context.note,
    })
    context.onEnd(async () => client.close())
    return await action(client, kubernetes)
  } catch (error) {
    if (!(error instanceof kubernetes.KubernetesError)) throw error
    throw cliError(error)
  }
}

/** Handled here, because the general rule gives advice about Kafka. */
function cliError(error: KubernetesError): CliError {
  return new CliError(error.code, error.message, { hint: error.hint, exitCode: codes[error.reason], cause: error })
}

const credentials = defineVerb({
  name: 'credentials',
  summary: 'create and renew the cluster’s identity, certificates and accounts',
  details:
    'Makes what the spec names and does not exist; renews certificates that are about to expire; never overwrites. Safe to repeat, and to run\n' +
    'twice at the same time. Prints names, never values.',
  examples: ['selfmonitor kubernetes credentials --spec /etc/selfmonitor/credentials/spec.json'],
  options: { spec: text('--spec <file>', 'the specification, as JSON (the chart renders it)'), wait, serviceAccount },
  output: ['text', 'json'],
  async run(context, { options }) {
    const file = options.spec
    if (file === undefined) throw usageError('--spec is missing.', 'Pass the JSON file with the specification.')
    const json = await readFile(file, 'utf8').catch((cause: Error) => {
      throw usageError(`Cannot read ${file}: ${cause.message}`)
    })
    const { parseSpec, KubernetesError } = await import('@selfmonitor/kubernetes')
    let spec: ReturnType<typeof parseSpec>
    try {
      spec = parseSpec(json, file)
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error
      throw new CliError(error.code, error.message, { hint: error.hint, exitCode: exitCodes.usage })
    }
    const result = await inCluster(context, options.serviceAccount, spec.namespace, (client, { ensureCredentials }) =>
      ensureCredentials(client, spec, {
        progress: context.note,
        warn: (line) => context.note(context.colours.stderr.careful(`WARNING ${line}`)),
        waitMs: options.wait,
        signal: context.io.signal,
      }),
    )
    await context.printThing(result, {
      table: () =>
        `${result.created.length} created, ${result.renewed.length} renewed, ${result.updated.length} updated, ` +
        `${result.kept.length} kept in namespace ${spec.namespace}` +
        `${result.warnings.length === 0 ? '' : `; ${counted(result.warnings.length, 'warning')}`}\n`,
    })
  },
})

const discover = defineVerb({
  name: 'discover',
  summary: 'write this pod’s zone and external address to a file',
  details:
    'Lines of key=value: rack, external.host, external.port. NODE_NAME and POD_NAME come from the downward API.\n' +
    'A node without a zone gives a warning and no rack.',
  examples: [
    'selfmonitor kubernetes discover --out /run/kafka/facts --rack',
    'selfmonitor kubernetes discover --out /run/kafka/facts --external-service kafka-external-{ordinal} --external-type NodePort',
  ],
  options: {
    out: text('--out <file>', 'file to write, whole or not at all'),
    rack: flag('--rack', 'the zone of this pod’s node'),
    externalService: text('--external-service <name>', 'this pod’s own Service; {ordinal} is the pod’s number'),
    externalType: choice(
      '--external-type <type>',
      'where the address comes from',
      ['LoadBalancer', 'NodePort'],
      'LoadBalancer',
    ),
    wait,
    serviceAccount,
  },
  async run(context, { options }) {
    const { out, externalService } = options
    if (out === undefined) throw usageError('--out is missing.', 'Pass the file to write.')
    if (!options.rack && externalService === undefined) {
      throw usageError('There is nothing to discover.', 'Add --rack, --external-service or both.')
    }
    const { env } = context.io
    await inCluster(context, options.serviceAccount, env.POD_NAMESPACE || undefined, async (client, kubernetes) => {
      const facts = await kubernetes.discoverFacts(client, {
        rack: options.rack,
        external: externalService === undefined ? undefined : { service: externalService, type: options.externalType },
        nodeName: env.NODE_NAME,
        podName: env.POD_NAME,
        progress: context.note,
        waitMs: options.wait,
        signal: context.io.signal,
      })
      await kubernetes.writeFacts(out, kubernetes.formatFacts(facts))
    })
    context.note(`written to ${out}`)
  },
})

const markFormed = defineVerb({
  name: 'mark-formed',
  summary: 'record that the controllers have formed their quorum',
  details: 'From then on a controller with an empty volume joins the quorum instead of founding one. Safe to repeat.',
  examples: ['selfmonitor kubernetes mark-formed'],
  options: {
    configMap: value('--config-map <name>', 'the identity of the cluster', (name) => name, 'kafka-identity'),
    serviceAccount,
  },
  async run(context, { options }) {
    const set = await inCluster(
      context,
      options.serviceAccount,
      context.io.env.POD_NAMESPACE || undefined,
      (client, kubernetes) => kubernetes.markFormed(client, options.configMap),
    )
    context.note(
      set ? `ConfigMap ${options.configMap}: formed` : `ConfigMap ${options.configMap} was marked as formed before`,
    )
  },
})

const stores = defineVerb({
  name: 'stores',
  summary: 'convert PEM certificates to PKCS#12 stores, for Java servers that cannot read PEM',
  details:
    'truststore.p12, with --certificate keystore.p12 as well, and store-password, which is new each time. Runs in an init\n' +
    'container of the registry, Connect, ksqlDB and the web UI. Needs no API server.',
  examples: ['selfmonitor kubernetes stores --certificate /etc/tls --trust /etc/ca/ca.crt --out /run/kafka-connect'],
  options: {
    certificate: text('--certificate <dir>', 'folder with tls.crt and tls.key'),
    trust: value('--trust <file>', 'CAs to trust, PEM; repeatable', collect),
    out: text('--out <dir>', 'folder to write to'),
  },
  async run(context, { options: { certificate, trust, out } }) {
    if (out === undefined || trust === undefined) throw usageError('--out and --trust are needed.')
    const kubernetes = await import('@selfmonitor/kubernetes')
    try {
      for (const file of await kubernetes.writeStores({ certificate, trust, out })) context.note(`wrote ${file}`)
    } catch (error) {
      if (!(error instanceof kubernetes.KubernetesError)) throw error
      throw cliError(error)
    }
  },
})

export const kubernetes: Noun = {
  name: 'kubernetes',
  summary: 'commands that the pods of the chart run',
  verbs: [credentials, discover, markFormed, stores],
}
