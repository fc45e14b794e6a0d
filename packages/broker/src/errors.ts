// The error that parts of the broker throw for an answer that is a Kafka error.
import { errorCodes, type KafkaErrorName, kafkaErrorByName } from '@selfmonitor/protocol'

/** A Kafka error with a message; the server answers it in the shape of the API's response. */
export class KafkaError extends Error {
  readonly code: KafkaErrorName
  readonly errorCode: number
  constructor(code: KafkaErrorName, message?: string) {
    super(message ?? kafkaErrorByName(code)!.meaning)
    this.name = 'KafkaError'
    this.code = code
    this.errorCode = errorCodes[code]
  }
}

/** The Kafka error for a thrown value: any error whose `code` is a Kafka name, else UNKNOWN_SERVER_ERROR. */
export function toKafkaError(error: unknown): {
  readonly name: KafkaErrorName
  readonly code: number
  readonly message: string
} {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = kafkaErrorByName(code) ?? kafkaErrorByName('UNKNOWN_SERVER_ERROR')!
  return { name: known.name, code: known.code, message }
}
