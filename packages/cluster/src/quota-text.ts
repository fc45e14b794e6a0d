// Apart from quotas.ts, whose types are those of the Kafka client: programs that compile against this package need not have them.
import type { QuotaEntity } from './types.ts'

/** `user alice, client-id <default>`: the entity as a text for people; equal entities have equal texts. */
export function quotaText(entity: QuotaEntity): string {
  return entity.map(({ type, name }) => `${type} ${name ?? '<default>'}`).join(', ')
}
