// The library as the command line uses it: connected to the addresses in use, with the payload schemas of the platform file.
import type { EventStream, Logger } from '@selfmonitor/events'
import type { Shapes } from '@selfmonitor/platform/shapes'
import type { Context } from '../framework/context.ts'
import { CliError } from '../framework/errors.ts'
import { registryOptions } from '../framework/registry-options.ts'
import type { Setting } from '../framework/settings.ts'
import { didYouMean } from '../framework/suggest.ts'
import { findPlatformFile } from '../local/platform-file.ts'

export interface StreamOptions {
  readonly file: string | undefined
  readonly service: string
  /** The only topic to emit to. The registry may know one that the platform file does not declare. */
  readonly topic?: string
  /** Default: the library's own, warnings and errors to standard error. */
  readonly logger?: Logger
}

/**
 * An event stream that is closed when the command ends. Without a platform file, payloads are not checked.
 * @throws CliError UNKNOWN_TOPIC when neither the platform file nor the registry knows the topic
 */
export async function openStream(context: Context, options: StreamOptions): Promise<EventStream> {
  const { connectEvents } = await import('@selfmonitor/events')
  for (const party of ['cluster', 'registry'] as const) context.isDefaultAddress(party)
  const { url, auth = null, tls = null } = await registryOptions(context.settings, context.io.env)
  const stream = await connectEvents({
    service: options.service,
    ...(options.logger && { logger: options.logger }),
    bootstrapServers: context.settings.bootstrapServers.value,
    origins: {
      bootstrapServers: libraryOrigin(context.settings.bootstrapServers),
      registryUrl: libraryOrigin(context.settings.registryUrl),
    },
    sasl: context.settings.security.sasl,
    tls: context.settings.security.tls,
    registryUrl: url,
    // null: none, whatever the environment says.
    registryAuth: auth,
    registryTls: tls,
    schemas: await payloadSchemas(context, options),
    deliveryTimeoutMs: context.settings.timeoutMs,
  })
  context.onEnd(() => stream.close())
  return stream
}

/** Where an address comes from, in the library's words. */
function libraryOrigin({ origin }: Setting): string {
  if (origin === 'default') return 'the default'
  return origin === 'selfmonitor up' ? '`selfmonitor up`' : origin
}

/** The shapes that the library would find in a service that runs here; with `-f`, those of that file. */
async function payloadSchemas(context: Context, { file, topic }: StreamOptions): Promise<Shapes | null> {
  const { findShapes } = await import('@selfmonitor/platform/shapes')
  const shapes = await findShapes(context.io.cwd, {
    file: file === undefined ? undefined : findPlatformFile(context.io.cwd, file),
    environment: context.settings.environment.value,
    env: context.io.env,
    topic,
  })
  const say = (text: string): void => context.note(context.colours.stderr.careful(text))
  if (shapes === null) {
    say('Payloads are not checked: there is neither a platform.yaml nor a folder schemas here.')
    return null
  }
  if (topic === undefined || Object.hasOwn(shapes, topic)) return shapes
  const registered = await registeredShape(context, topic, Object.keys(shapes))
  say(
    typeof registered === 'string'
      ? `${topic} is not declared in the platform file: its schema comes from the registry.`
      : `${topic} is not declared in the platform file: event types and payloads are not checked.`,
  )
  return { ...shapes, [topic]: registered }
}

/** The shape of a topic's records by the registry: any event type in the envelope, or the text of their own Avro schema. */
async function registeredShape(context: Context, topic: string, declared: readonly string[]): Promise<Shapes[string]> {
  const registry = await context.registry()
  const subject = `${topic}-value`
  const found = await registry.getVersion(subject, 'latest')
  if (found === null) {
    throw new CliError(
      'UNKNOWN_TOPIC',
      `${topic} is not declared in the platform file, and ${subject} is not registered at ${registry.url}.`,
      {
        hint:
          didYouMean(topic, declared) ??
          `Declare the topic and its schema in platform.yaml, then \`selfmonitor apply\`; or \`selfmonitor schemas register ${subject} <file>\`.`,
      },
    )
  }
  const { envelopeProblem } = await import('@selfmonitor/platform/shapes')
  // The library checks schemas that are not Avro, or refer to others.
  const isPlainAvro = (found.schemaType ?? 'AVRO') === 'AVRO' && (found.references ?? []).length === 0
  return isPlainAvro && envelopeProblem(found.schema) !== null ? found.schema : {}
}
