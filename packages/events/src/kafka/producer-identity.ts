// The producer id that new batches get (KIP-98): asked for once, shared by all partitions, and asked for again when one of them has
// to start over.
import type { KafkaClient } from './client.ts'
import type { Identity } from './partition-queue.ts'

export interface ProducerIdentity {
  /** Under way or known; null when the next batch asks for one. */
  latest: Promise<Identity> | null
}

export const noIdentity = (): ProducerIdentity => ({ latest: null })

export async function identityOf(holder: ProducerIdentity, client: KafkaClient): Promise<Identity> {
  holder.latest ??= initProducerId(client)
  try {
    return await holder.latest
  } catch (error) {
    holder.latest = null
    throw error
  }
}

/** Batches that are sealed under it stay so. */
export function forgetIdentity(holder: ProducerIdentity): void {
  holder.latest = null
}

async function initProducerId(client: KafkaClient): Promise<Identity> {
  const noTransactions = [null, 0, -1n, -1]
  const response = await client.call<{ producerId: bigint; producerEpoch: number }>(
    null,
    'InitProducerId',
    () => noTransactions,
  )
  return { producerId: response.producerId, epoch: response.producerEpoch }
}
