// The Produce request and response, written here because the client's own would take the records apart again.
// Versions 9 to 11 (flexible; Kafka 2.8 and newer) have the same request.
import { protocolErrorsCodesById, type Reader, Writer } from '@platformatic/kafka'

export interface ProduceEntry {
  readonly topic: string
  readonly partition: number
  /** A finished record batch. */
  readonly records: Buffer
}

export interface ProduceResult {
  readonly topic: string
  readonly partition: number
  /** Kafka's name of the error, null when the batch was written. */
  readonly error: string | null
  readonly message: string | null
  /** -1 when the broker does not know it. */
  readonly baseOffset: bigint
}

const acksAll = -1

/*
  Produce Request (9 to 11) => transactional_id acks timeout_ms [topic_data] TAG_BUFFER
    topic_data => name [partition_data] TAG_BUFFER
      partition_data => index records TAG_BUFFER
*/
export function writeProduceRequest(entries: readonly ProduceEntry[], timeoutMs: number): Writer {
  const byTopic = Map.groupBy(entries, ({ topic }) => topic)
  const writer = Writer.create().appendString(null).appendInt16(acksAll).appendInt32(timeoutMs)
  writer.appendUnsignedVarInt(byTopic.size + 1)
  for (const [topic, partitions] of byTopic) {
    writer.appendString(topic).appendUnsignedVarInt(partitions.length + 1)
    for (const { partition, records } of partitions) {
      writer
        .appendInt32(partition)
        .appendUnsignedVarInt(records.length + 1)
        .append(records)
        .appendTaggedFields()
    }
    writer.appendTaggedFields()
  }
  return writer.appendTaggedFields()
}

/*
  Produce Response (9 to 11) => [responses] throttle_time_ms TAG_BUFFER
    responses => name [partition_responses] TAG_BUFFER
      partition_responses => index error_code base_offset log_append_time_ms log_start_offset [record_errors] error_message TAG_BUFFER
        record_errors => batch_index batch_index_error_message TAG_BUFFER
*/
export function parseProduceResponse(
  _correlationId: number,
  _apiKey: number,
  _version: number,
  reader: Reader,
): ProduceResult[] {
  const results: ProduceResult[] = []
  const topics = reader.readUnsignedVarInt() - 1
  for (let t = 0; t < topics; t++) {
    const topic = reader.readString()
    const partitions = reader.readUnsignedVarInt() - 1
    for (let p = 0; p < partitions; p++) {
      const partition = reader.readInt32()
      const errorCode = reader.readInt16()
      const baseOffset = reader.readInt64()
      reader.readInt64()
      reader.readInt64()
      const recordErrors = reader.readUnsignedVarInt() - 1
      let recordMessage: string | null = null
      for (let e = 0; e < recordErrors; e++) {
        reader.readInt32()
        recordMessage ??= reader.readNullableString()
        reader.readTaggedFields()
      }
      const message = reader.readNullableString() ?? recordMessage
      reader.readTaggedFields()
      const names: Readonly<Record<number, string>> = protocolErrorsCodesById
      results.push({
        topic,
        partition,
        error: errorCode === 0 ? null : (names[errorCode] ?? `ERROR_${errorCode}`),
        message,
        baseOffset,
      })
    }
    reader.readTaggedFields()
  }
  return results
}
