// A record on its way to a partition, and the receiver of its result.
import type { EncodedHeaders } from '@selfmonitor/protocol/records'
import type { ServerAddress } from './client.ts'

/** Gets one call for its record. */
export interface Receipt {
  /** @param offset -1 when the broker no longer knows it; `server` the broker that has it, null when its address is not known */
  acknowledged(partition: number, offset: bigint, server: ServerAddress | null): void
  failed(error: Error): void
}

/**
 * Keys and values are copied when it is appended, and only the receipt is kept: buffers, which may be longer than the lengths say, and
 * this object can be used again for the next record.
 */
export interface RecordToSend {
  /** Known to the producer: see `load`. */
  readonly topic: string
  readonly partition: number
  readonly key: Uint8Array
  /** Bytes of `key`; -1 for a key that is null. */
  readonly keyLength: number
  readonly value: Uint8Array
  /** Bytes of `value`; -1 for a value that is null. */
  readonly valueLength: number
  readonly headers: EncodedHeaders
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
  readonly receipt: Receipt
}
