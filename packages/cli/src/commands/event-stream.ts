// The library as the command line uses it: connected to the addresses in use, with the platform file's payload schemas.
import type { EventStream } from '@selfmonitor/events'
import type { Context } from '../framework/context.ts'
import { CliError } from '../framework/errors.ts'
import { loadPlatformFile } from '../local/platform-file.ts'

/** An event stream that the end of the command closes. Without a platform file nothing is known of payloads. */
export async function openStream(
  context: Context,
  options: { readonly file: string | undefined; readonly service: string },
): Promise<EventStream> {
  const { connectEvents } = await import('@selfmonitor/events')
  const stream = await connectEvents({
    service: options.service,
    bootstrapServers: context.settings.bootstrapServers.value,
    sasl: context.settings.security.sasl,
    tls: context.settings.security.tls,
    registryUrl: context.settings.registryUrl.value,
    schemas: await payloadSchemas(context, options.file),
    deliveryTimeoutMs: context.settings.timeoutMs,
  })
  context.onEnd(() => stream.close())
  return stream
}

async function payloadSchemas(
  context: Context,
  file: string | undefined,
): Promise<Readonly<Record<string, Readonly<Record<string, object>>>> | undefined> {
  try {
    const platform = await loadPlatformFile(context, file)
    return Object.fromEntries(
      platform.topics
        .filter(({ eventTypes }) => Object.keys(eventTypes).length > 0)
        .map(({ name, eventTypes }) => [
          name,
          Object.fromEntries(Object.entries(eventTypes).map(([type, { schema }]) => [type, schema])),
        ]),
    )
  } catch (error) {
    if (file !== undefined || !(error instanceof CliError) || error.code !== 'NO_PLATFORM_FILE') throw error
    context.note(
      context.colours.stderr.careful(
        'There is no platform.yaml here: a payload is checked only where a folder `schemas` describes it.',
      ),
    )
    return undefined
  }
}
