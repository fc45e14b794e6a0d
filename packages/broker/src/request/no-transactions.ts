// The error that tells a transactional producer that this broker has no transactions yet.
//
// TRANSACTIONAL_ID_AUTHORIZATION_FAILED is the only error that Java's client, librdkafka, franz-go and kafkajs all treat as final, from
// FindCoordinator and from InitProducerId: librdkafka and franz-go repeat the request after any other until their timeout. It suggests
// a missing ACL, so the message (FindCoordinator has one, and librdkafka shows it) and the broker's log give the real reason.
import type { RequestContext } from './handler.ts'

interface Rejection {
  readonly error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  readonly message: string
}

/** Logs the attempt. @returns the error to answer */
export function rejectTransactionalId({ broker, clientId }: RequestContext, transactionalId: string): Rejection {
  const message =
    'this broker has no transactions yet: use an idempotent producer without transactional.id, or Apache Kafka'
  broker.logger.warn({ clientId, transactionalId }, `a transactional producer cannot start: ${message}`)
  return { error: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', message }
}
