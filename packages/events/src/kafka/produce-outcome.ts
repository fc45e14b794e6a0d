// From the answer to a Produce request, or its absence, to what it means for a batch. Pure.
import { produceErrorKind } from '@selfmonitor/cluster/produce-errors'
import { isAuthenticationFailure, kafkaErrorName, reasonOf } from './client.ts'
import type { Outcome } from './partition-queue.ts'
import { explainRefusal } from './produce-errors.ts'

/** A broker's answer about one partition. */
export interface ProduceResult {
  readonly topic: string
  readonly partition: number
  /** Kafka's name of the error, null when the batch was written. */
  readonly error: string | null
  readonly message: string | null
  /** -1 when the broker does not know it. */
  readonly baseOffset: bigint
}

export interface Attempt {
  readonly outcome: Outcome
  /** For the log: Kafka's name of the error, or why there was no answer; null for an answer without one. */
  readonly reason: string | null
  /** The leader may be another one. */
  readonly needsMetadata: boolean
}

/**
 * @param result what the broker says of the partition; undefined when its answer did not come, or does not name it
 * @param failure why there is no answer; null when there is
 */
export function outcomeOf(result: ProduceResult | undefined, failure: unknown): Attempt {
  const error = result === undefined ? kafkaErrorName(failure) : result.error
  const reason = failure === null ? error : reasonOf(failure)
  if (result !== undefined && (error === null || error === 'DUPLICATE_SEQUENCE_NUMBER')) {
    return { outcome: { kind: 'written', baseOffset: result.baseOffset }, reason: null, needsMetadata: false }
  }
  const kind = error === null ? 'passing' : produceErrorKind(error)
  const needsMetadata = failure !== null || kind === 'stale leader'
  if (kind === 'refused') {
    const explained = explainRefusal(error!, result?.message ?? null)
    const outcome: Outcome =
      error === 'MESSAGE_TOO_LARGE' && result !== undefined
        ? { kind: 'too large', error, reason: explained }
        : { kind: 'refused', error: error!, reason: explained, answered: result !== undefined }
    return { outcome, reason, needsMetadata }
  }
  // Credentials that are refused will be refused again: say so now instead of after the delivery timeout.
  if (failure !== null && isAuthenticationFailure(failure)) {
    const advice = 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
    const explained = `${reasonOf(failure)}: ${advice}`
    const outcome: Outcome = {
      kind: 'refused',
      error: 'SASL_AUTHENTICATION_FAILED',
      reason: explained,
      answered: false,
    }
    return { outcome, reason, needsMetadata }
  }
  if (kind === 'identity lost') return { outcome: { kind: 'identity lost' }, reason, needsMetadata }
  return { outcome: { kind: 'unsettled', written: wasWritten(result, error) }, reason, needsMetadata }
}

/** Any answer says that this attempt was not written, except those that speak of a write without its replicas. */
function wasWritten(result: ProduceResult | undefined, error: string | null): 'no' | 'maybe' {
  if (result === undefined) return 'maybe'
  return error === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' || error === 'REQUEST_TIMED_OUT' ? 'maybe' : 'no'
}
