// The header with the id of the payload's schema, for the events of one topic: looked up with the topic, then a look into a map for each
// event.
import { payloadSchemaHeader } from '@selfmonitor/registry/frame'
import { encodeHeaders } from './kafka/index.ts'
import type { Logger } from './types.ts'
import type { PayloadIds, PayloadVersions } from './wire/index.ts'

/** How often schemas that are not registered are asked for again, in milliseconds. */
const againMs = 60_000
/** The same where the registry did not answer. */
const afterFailureMs = 5_000

export interface PayloadHeader {
  readonly entry: readonly [name: string, value: string]
  /** The header alone, encoded: most events have no other. */
  readonly encoded: ReturnType<typeof encodeHeaders>
}

interface Parts {
  readonly versions: PayloadVersions
  readonly logger: Logger
  readonly now: () => number
}

export class PayloadHeaders {
  readonly #topic: string
  readonly #eventTypes: Readonly<Record<string, object>>
  readonly #parts: Parts
  readonly #headers = new Map<string, PayloadHeader>()
  #againAtMs = 0
  #loading = false
  #warned = false
  #warnedOfFailure = false

  constructor(topic: string, eventTypes: Readonly<Record<string, object>>, parts: Parts) {
    this.#topic = topic
    this.#eventTypes = eventTypes
    this.#parts = parts
  }

  /** Asks for the schemas whose ids are not known yet. Events do without the header where the registry does not answer: it never rejects. */
  async load(): Promise<void> {
    const { versions, now } = this.#parts
    const unknown = Object.entries(this.#eventTypes).filter(([type]) => !this.#headers.has(type))
    this.#loading = true
    const found = await versions.idsOf(this.#topic, Object.fromEntries(unknown))
    this.#loading = false
    this.#againAtMs = now() + (found.failure === null ? againMs : afterFailureMs)
    this.#keep(found)
  }

  /** @returns undefined for a type whose schema this service does not have, or the registry does not */
  of(eventType: string): PayloadHeader | undefined {
    const found = this.#headers.get(eventType)
    if (found === undefined && Object.hasOwn(this.#eventTypes, eventType)) this.#askAgain()
    return found
  }

  /** In the background: `emit` does not wait for what is only said about an event. */
  #askAgain(): void {
    if (!this.#loading && this.#parts.now() >= this.#againAtMs) void this.load()
  }

  #keep({ ids, missing, failure }: PayloadIds): void {
    for (const [type, id] of ids) {
      const entry = [payloadSchemaHeader, String(id)] as const
      this.#headers.set(type, { entry, encoded: encodeHeaders([entry]) })
    }
    if (failure !== null && !this.#warnedOfFailure) {
      this.#warnedOfFailure = true
      this.#parts.logger.warn(
        { topic: this.#topic, reason: failure.message },
        `the registry did not answer for the payload schemas of this service; until it does, their events do not name their schema (${payloadSchemaHeader})`,
      )
    }
    if (missing.length === 0 || this.#warned) return
    this.#warned = true
    this.#parts.logger.warn(
      { topic: this.#topic, subjects: missing },
      `the registry does not have the payload schemas of this service, so their events do not name their schema (${payloadSchemaHeader}): run \`selfmonitor apply\``,
    )
  }
}
