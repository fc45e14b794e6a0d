// Requests that almost make sense: valid frames of every API and version, derived from their declarations, and the ways in
// which they are spoilt. Pure: the same seed gives the same frames.
import {
  type ApiName,
  apis,
  encodeBatch,
  encodeRequest,
  type Field,
  type Fields,
  includes,
  type PrimitiveType,
  type Uuid,
  zeroUuid,
} from '@selfmonitor/protocol'
import type { RandomBelow } from './random.ts'

export interface FrameSource {
  /** A well-formed request, size included, some of whose values make no sense. Mostly answered. */
  absurd(): Buffer
  /** The same with spoilt bytes; its size may lie as well. Mostly the end of the connection. */
  malformed(): Buffer
  /** Bytes without any meaning, behind a size that is right. */
  garbage(): Buffer
}

export interface Scratch {
  /** The topic that the frames name; it may lose its records and its settings. */
  readonly topic: string
  readonly topicId: Uuid
  readonly group: string
}

/** False values for lengths, counts, versions and offsets. */
const liars = [
  'ff', '00', '7f', '80', '7fff', '8000', 'ffff', '7fffffff', 'ffffffff', '80000000', '00000000', '06400000',
  'ffffffff0f', 'ffffffff07', '8080808080808080', '7fffffffffffffff', 'ffffffffffffffff', '80808080808080808001',
].map((hex) => Buffer.from(hex, 'hex')) // biome-ignore format: a table

/** Bytes of the size and of the API key, version and correlation id behind it. */
const sizeBytes = 4

export function frameSource(random: RandomBelow, scratch: Scratch): FrameSource {
  return new SpoiltFrames(random, new RequestValues(random, scratch))
}

function pick<T>(random: RandomBelow, items: readonly T[]): T {
  return items[random(items.length)]!
}

/** Values for the fields of requests, some of which make no sense. */
class RequestValues {
  private readonly random: RandomBelow
  private readonly scratch: Scratch
  private readonly batches: readonly Buffer[]

  constructor(random: RandomBelow, scratch: Scratch) {
    this.random = random
    this.scratch = scratch
    this.batches = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map((compression) =>
      encodeBatch(
        Array.from({ length: 3 }, (_, at) => ({
          key: Buffer.from(`k${at}`),
          value: Buffer.from('value '.repeat(at * 3)),
          headers: [{ key: 'h', value: null }],
          timestamp: 1_700_000_000_000n + BigInt(at),
        })),
        { compression },
      ),
    )
  }

  /** Some requests of every version of an API, their sizes included. */
  requests(name: ApiName): Buffer[] {
    const { versions, request } = apis[name]
    const all = Array.from({ length: versions.max - versions.min + 1 }, (_, at) => versions.min + at)
    return all.flatMap((version) =>
      Array.from({ length: 24 }, () => {
        const header = { correlationId: this.random(0x7fffffff), clientId: pick(this.random, ['fuzz', '', null]) }
        return Buffer.concat(encodeRequest(name, version, header, this.struct(name, request.fields, version)))
      }),
    )
  }

  struct(api: ApiName, fields: Fields, version: number): Record<string, unknown> {
    const carried = Object.entries(fields).filter(([, field]) => includes(field.versions, version))
    return Object.fromEntries(carried.map(([name, field]) => [name, this.fieldValue(api, name, field, version)]))
  }

  private fieldValue(api: ApiName, name: string, field: Field, version: number): unknown {
    if (includes(field.nullable, version) && this.random(6) === 0) return null
    const { type } = field
    if (typeof type === 'string') return this.random(12) === 0 ? this.extreme(type) : this.primitive(api, name, type)
    if (type.kind === 'struct') return this.struct(api, type.fields, version)
    const { element } = type
    return Array.from({ length: this.random(100) === 0 ? 200 : this.random(3) }, () =>
      typeof element === 'string' ? this.primitive(api, name, element) : this.struct(api, element.fields, version),
    )
  }

  private extreme(type: PrimitiveType): unknown {
    switch (type) {
      case 'bool':
        return true
      case 'int8':
        return pick(this.random, [-0x80, 0x7f])
      case 'int16':
        return pick(this.random, [-0x8000, 0x7fff])
      case 'uint16':
        return 0xffff
      case 'int32':
        return pick(this.random, [-0x80000000, -2, 0x7fffffff])
      case 'uint32':
        return 0xffffffff
      case 'int64':
        return pick(this.random, [-0x8000000000000000n, 0x7fffffffffffffffn, 1n << 53n])
      case 'float64':
        return pick(this.random, [Number.NaN, Number.POSITIVE_INFINITY, -0])
      case 'string':
        return pick(this.random, [
          '\0',
          '../../etc',
          '.',
          'ü'.repeat(120),
          'x'.repeat(5000),
          '__proto__',
          'constructor',
          '\ud800',
        ])
      case 'uuid':
        return 'AAAAAAAAAAAAAAAAAAAAAQ'
      case 'bytes':
      case 'records':
        return this.spoiltBatch()
      default:
        return type satisfies never
    }
  }

  private spoiltBatch(): Buffer {
    const batch = Buffer.from(pick(this.random, this.batches))
    pick(this.random, liars).copy(batch, this.random(batch.length))
    return this.random(3) === 0 ? batch.subarray(0, this.random(batch.length)) : batch
  }

  private primitive(api: ApiName, name: string, type: PrimitiveType): unknown {
    switch (type) {
      case 'bool':
        return this.random(2) === 0
      case 'string':
        return this.text(api, name)
      case 'uuid':
        return pick(this.random, [
          api === 'DeleteTopics' ? zeroUuid : this.scratch.topicId,
          zeroUuid,
          'AAECAwQFBgcICQoLDA0ODw',
        ])
      case 'bytes':
        return Buffer.from(pick(this.random, ['', 'metadata', '\0\0\0\0\0\x01\0\x05topic\xff\xff\xff\xff']), 'latin1')
      case 'records':
        return pick(this.random, this.batches)
      case 'int64':
        return pick(this.random, [0n, 0n, 1n, -1n, -2n, -3n, 1_700_000_000_000n])
      case 'float64':
        return this.random(1000) / 7
      default:
        return this.number(name)
    }
  }

  private text(api: ApiName, name: string): string {
    const isDeletable = api === 'CreateTopics' || api === 'DeleteTopics'
    if (isDeletable && /topic|^name$/i.test(name)) return pick(this.random, ['fuzz.deleted', 'no.such.topic'])
    if (/group|key|coordinator/i.test(name))
      return pick(this.random, [`${this.scratch.group}-${this.random(500)}`, this.scratch.group, ''])
    if (/topic|^name$|resourceName/i.test(name))
      return pick(this.random, [this.scratch.topic, this.scratch.topic, 'no.such.topic', ''])
    if (/protocolType/i.test(name)) return 'consumer'
    return pick(this.random, ['', 'range', 'retention.ms', '604800000', 'member-1'])
  }

  private number(name: string): number {
    if (/resourceType/.test(name)) return 2
    if (/sessionTimeout|rebalanceTimeout/.test(name)) return 20
    if (/timeout|wait/i.test(name)) return this.random(3)
    if (/maxBytes|partitionMaxBytes/i.test(name)) return pick(this.random, [1, 1000, 1_048_576])
    if (/partition|index/i.test(name)) return this.random(4)
    return pick(this.random, [0, 0, 1, 1, 2, -1])
  }
}

class SpoiltFrames implements FrameSource {
  private readonly random: RandomBelow
  /** Well-formed requests of each kind, made once. */
  private readonly corpus: readonly Buffer[]

  constructor(random: RandomBelow, values: RequestValues) {
    this.random = random
    this.corpus = (Object.keys(apis) as ApiName[]).flatMap((name) => values.requests(name))
  }

  absurd(): Buffer {
    return pick(this.random, this.corpus)
  }

  malformed(): Buffer {
    return this.spoil(pick(this.random, this.corpus))
  }

  garbage(): Buffer {
    const bytes = Buffer.from(Array.from({ length: sizeBytes + this.random(60) }, () => this.random(256)))
    bytes.writeInt32BE(bytes.length - sizeBytes)
    return bytes
  }

  private spoil(original: Buffer): Buffer {
    let frame = Buffer.from(original)
    for (let changes = this.random(3) + 1; changes > 0 && frame.length > sizeBytes; changes--) {
      const at = sizeBytes + this.random(frame.length - sizeBytes)
      switch (this.random(9)) {
        case 0:
          frame[at]! ^= 1 << this.random(8)
          break
        case 1:
          frame[at] = this.random(256)
          break
        case 2:
          frame = frame.subarray(0, at)
          break
        case 3:
          pick(this.random, liars).copy(frame, at)
          break
        case 4:
          frame = Buffer.concat([frame.subarray(0, at), pick(this.random, liars), frame.subarray(at)])
          break
        case 5: {
          // The front of one request and the back of another.
          const other = pick(this.random, this.corpus)
          frame = Buffer.concat([
            frame.subarray(0, at),
            other.subarray(sizeBytes + this.random(other.length - sizeBytes)),
          ])
          break
        }
        case 6:
          frame = Buffer.concat([frame, frame.subarray(at)])
          break
        case 7:
          // Another version of the same API: the header may then have another form, too.
          if (frame.length >= 8) frame.writeInt16BE(pick(this.random, [0, 1, 2, 3, 5, 9, 12, 13, 18, -1, 0x7fff]), 6)
          break
        default:
          // Another API with this one's body.
          if (frame.length >= 8) pick(this.random, this.corpus).copy(frame, 4, 4, 8)
      }
    }
    return this.withSize(frame)
  }

  /** Mostly the true size, so that what is inside gets read at all. */
  private withSize(frame: Buffer): Buffer {
    frame.writeInt32BE(
      this.random(500) === 0 ? pick(this.random, [-1, 0, 3, 0x7fffffff, -0x80000000]) : frame.length - sizeBytes,
    )
    return frame
  }
}
