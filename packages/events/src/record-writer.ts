// Encodes an event or a record, chooses its partition and appends it to the producer.
import { payloadSchemaHeader } from '@selfmonitor/registry/frame'
import { headerEntries } from './emit-arguments.ts'
import { EventsConfigError } from './errors.ts'
import { encodeHeaders, noHeaders, type Producer, partitionForKey, type RecordToSend } from './kafka/index.ts'
import type { Emission, Key, Value } from './outgoing.ts'
import type { TopicQueue } from './topic-queue.ts'
import type { Envelope } from './types.ts'
import type { Encoder } from './wire/index.ts'

export interface RecordWriter {
  readonly producer: Producer
  /** From 0 up to 1: where records without a key begin. */
  readonly random: () => number
  /** Keys are encoded into it, one after the other. */
  keyBuffer: Buffer
  /** The argument for the producer, the same object each time: a new one for each event would double the garbage of an `emit`. */
  readonly record: { -readonly [Field in keyof RecordToSend]: RecordToSend[Field] }
}

/** No topic takes events of this size; beyond it buffers that have to grow become a danger to the process. */
const maxEventBytes = 256 * 1024 * 1024
const stickyBytes = 16 * 1024
const noBytes = Buffer.alloc(0)

export function createRecordWriter(producer: Producer, random: () => number): RecordWriter {
  const nothing = { key: noBytes, keyLength: -1, value: noBytes, valueLength: -1, headers: noHeaders }
  const noReceipt = { acknowledged() {}, failed() {} }
  return {
    producer,
    random,
    keyBuffer: Buffer.allocUnsafe(1024),
    record: { topic: '', partition: 0, ...nothing, timestampMs: 0, receipt: noReceipt },
  }
}

/** @param queue its encoder is known, and so are the partitions of its topic. @throws when it cannot be encoded */
export function writeRecord(writer: RecordWriter, queue: TopicQueue, emission: Emission): void {
  const { topic } = queue
  const { value, key } = emission
  const headers = headersOf(queue, emission)
  const encoder = queue.encoder!
  const valueLength = encodeValue(encoder, value)
  if (valueLength + (key?.length ?? 0) + headers.length > maxEventBytes) {
    throw new EventsConfigError('data', `makes an event of more than ${maxEventBytes} bytes (${topic})`)
  }
  const keyLength = encodeKey(writer, key)
  const keyBytes = typeof key === 'string' ? writer.keyBuffer : (key ?? noBytes)
  const partitions = writer.producer.partitions(topic)!
  const partition =
    keyLength < 0
      ? stickyPartition(queue, valueLength, partitions, writer.random)
      : partitionForKey(keyBytes, partitions, keyLength)
  const { record } = writer
  record.topic = topic
  record.partition = partition
  record.key = keyBytes
  record.keyLength = keyLength
  record.value = value instanceof Buffer ? value : encoder.shared.buffer
  record.valueLength = valueLength
  record.headers = headers
  record.timestampMs = emission.timestampMs
  record.receipt = emission
  writer.producer.append(record)
  emission.dropContent()
}

function headersOf({ kind, payloads }: TopicQueue, { headers, span, value }: Emission) {
  const traced = span?.headers ?? []
  if (kind === 'records') {
    return headers === undefined && traced.length === 0
      ? noHeaders
      : encodeHeaders([...headerEntries(headers), ...traced])
  }
  const schema = payloads?.of((value as Envelope).event_type)
  if (headers === undefined && traced.length === 0) return schema?.encoded ?? noHeaders
  // A service that passes an event's headers on would name the schema of that event.
  const own = headerEntries(headers).filter(([name]) => name !== payloadSchemaHeader)
  return encodeHeaders([...own, ...(schema === undefined ? [] : [schema.entry]), ...traced])
}

/** Encodes a value into the encoder's shared buffer, unless it is encoded already. @returns its length; -1 for null */
function encodeValue(encoder: Encoder<unknown>, value: Value): number {
  if (value === null) return -1
  return value instanceof Buffer ? value.length : encoder.encodeShared(value)
}

/** Encodes a text into the writer's buffer. @returns the key's length in bytes; -1 for null */
function encodeKey(writer: RecordWriter, key: Key): number {
  if (key === null) return -1
  if (typeof key !== 'string') return key.length
  // A code unit takes three bytes of UTF-8 at most.
  if (writer.keyBuffer.length < key.length * 3) writer.keyBuffer = Buffer.allocUnsafe(key.length * 3)
  return writer.keyBuffer.write(key)
}

/** Records without a key stay with a partition for a batch's length: small batches cost more than an even spread gains. */
function stickyPartition({ sticky }: TopicQueue, bytes: number, partitions: number, random: () => number): number {
  if (sticky.leftBytes <= 0 || sticky.partition >= partitions) {
    const first = sticky.partition < 0 ? Math.floor(random() * partitions) : sticky.partition + 1
    sticky.partition = first % partitions
    sticky.leftBytes = stickyBytes
  }
  sticky.leftBytes -= Math.max(1, bytes)
  return sticky.partition
}
