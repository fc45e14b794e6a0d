// The library as the command line uses it: connected to the addresses in use, with the platform file's payload schemas.
import type { EventStream, Logger } from '@selfmonitor/events'
import type { Shapes } from '@selfmonitor/platform/shapes'
import type { Context } from '../framework/context.ts'
import { registryOptions } from '../framework/registry-options.ts'
import { findPlatformFile } from '../local/platform-file.ts'

/** An event stream that the end of the command closes. Without a platform file nothing is known of payloads. */
export async function openStream(
  context: Context,
  options: {
    readonly file: string | undefined
    readonly service: string
    /** Default: the library's own, warnings and errors to standard error. */
    readonly logger?: Logger
  },
): Promise<EventStream> {
  const { connectEvents } = await import('@selfmonitor/events')
  const { url, auth = null, tls = null } = await registryOptions(context.settings, context.io.env)
  const stream = await connectEvents({
    service: options.service,
    ...(options.logger && { logger: options.logger }),
    bootstrapServers: context.settings.bootstrapServers.value,
    sasl: context.settings.security.sasl,
    tls: context.settings.security.tls,
    registryUrl: url,
    // null: none, whatever the environment says.
    registryAuth: auth,
    registryTls: tls,
    schemas: await payloadSchemas(context, options.file),
    deliveryTimeoutMs: context.settings.timeoutMs,
  })
  context.onEnd(() => stream.close())
  return stream
}

/** What the library would find in a service that runs here; with `-f`, what that file says. */
async function payloadSchemas(context: Context, file: string | undefined): Promise<Shapes | null> {
  const { findShapes } = await import('@selfmonitor/platform/shapes')
  const shapes = await findShapes(context.io.cwd, {
    file: file === undefined ? undefined : findPlatformFile(context.io.cwd, file),
    environment: context.settings.environment.value,
    env: context.io.env,
  })
  if (shapes === null) {
    context.note(
      context.colours.stderr.careful(
        'Neither a platform.yaml nor a folder schemas here describes payloads: they are not checked.',
      ),
    )
  }
  return shapes
}
