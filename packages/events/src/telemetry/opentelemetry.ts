// OpenTelemetry's API, loaded only in a process that has an SDK: it is fifty modules, which a command that sends one event
// need not wait for.
//
// An SDK registers itself in an object of `globalThis` that all copies of the API share, whatever their minor version
// (`registerGlobal` in the API's global-utils). Without that object every call of the API would do nothing.
import type * as Api from '@opentelemetry/api'

export type OpenTelemetry = typeof Api

interface Registered {
  readonly trace?: unknown
  readonly metrics?: unknown
}

const registry = Symbol.for('opentelemetry.js.api.1')
let loaded: OpenTelemetry | null = null
let loading: Promise<OpenTelemetry> | null = null

const registered = (): Registered | undefined => (globalThis as { [registry]?: Registered })[registry]

/** The API, once an SDK is registered and the API is loaded. Asked for every event. */
export function openTelemetry(): OpenTelemetry | null {
  if (loaded !== null) return loaded
  // An SDK that starts after the stream: the first events have no spans.
  if (loading === null && registered() !== undefined) loadOpenTelemetry().catch(process.emitWarning)
  return null
}

/** Loads the API if an SDK is registered; a stream waits for it before its first event. */
export async function loadOpenTelemetry(): Promise<void> {
  if (registered() === undefined) return
  loading ??= import('@opentelemetry/api')
  loaded = await loading
}

/** Whether the SDK takes metrics: a meter that is asked for before it does would never count anything. */
export const hasMeterProvider = (): boolean => registered()?.metrics !== undefined
