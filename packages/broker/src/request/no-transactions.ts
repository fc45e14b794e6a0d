// How a transactional producer learns that this broker has no transactions yet.
//
// TRANSACTIONAL_ID_AUTHORIZATION_FAILED is the one error that Java's client, librdkafka, franz-go and kafkajs all take as final, from
// FindCoordinator and from InitProducerId: librdkafka and franz-go repeat any other until their timeout. It suggests an ACL that is
// not there, so the text beside it (FindCoordinator has one, and librdkafka shows it) and the broker's log give the real reason.
import type { RequestContext } from './handler.ts'

interface Refusal {
  readonly error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  readonly message: string
}

/** Logs the refusal, and gives the error to answer. */
export function refuseTransactionalId({ broker, clientId }: RequestContext, transactionalId: string): Refusal {
  const message =
    'this broker has no transactions yet: use an idempotent producer without transactional.id, or Apache Kafka'
  broker.logger.warn({ clientId, transactionalId }, `refused a transactional producer: ${message}`)
  return { error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', message }
}
