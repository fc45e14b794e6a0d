// The header with the id of the payload's schema, for the events of one topic: looked up with the topic, then a look into a map for each
// event.
import { payloadSchemaHeader } from '@selfmonitor/registry/frame'
import { encodeHeaders } from './kafka/index.ts'
import type { Logger } from './types.ts'
import type { PayloadIds, PayloadVersions } from './wire/index.ts'

/** How often schemas that are not registered are asked for again, in milliseconds. */
const againMs = 60_000

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
  #askedMs = 0
  #warned = false

  constructor(topic: string, eventTypes: Readonly<Record<string, object>>, parts: Parts) {
    this.#topic = topic
    this.#eventTypes = eventTypes
    this.#parts = parts
  }

  /** @throws RegistryError while the registry does not answer */
  async load(): Promise<void> {
    const { versions, now } = this.#parts
    this.#askedMs = now()
    this.#keep(await versions.idsOf(this.#topic, this.#eventTypes))
  }

  /** @returns undefined for a type whose schema this service does not have, or the registry does not */
  of(eventType: string): PayloadHeader | undefined {
    const found = this.#headers.get(eventType)
    if (found === undefined && Object.hasOwn(this.#eventTypes, eventType)) this.#askAgain()
    return found
  }

  /** In the background: `emit` does not wait for what is only said about an event. */
  #askAgain(): void {
    if (this.#parts.now() - this.#askedMs < againMs) return
    this.load().catch(() => undefined)
  }

  #keep({ ids, missing }: PayloadIds): void {
    for (const [type, id] of ids) {
      const entry = [payloadSchemaHeader, String(id)] as const
      this.#headers.set(type, { entry, encoded: encodeHeaders([entry]) })
    }
    if (missing.length === 0 || this.#warned) return
    this.#warned = true
    this.#parts.logger.warn(
      { topic: this.#topic, subjects: missing },
      `the registry does not have the payload schemas of this service, so their events do not name their schema (${payloadSchemaHeader}): run \`selfmonitor apply\``,
    )
  }
}
