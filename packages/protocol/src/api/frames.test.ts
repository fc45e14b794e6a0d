import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import {
  apiByKey,
  apis,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  encodeResponseBody,
  frameResponse,
  parseRequestHeader,
  requestHeaderVersion,
  responseHeaderVersion,
} from './index.ts'

const frameOf = (chunks: readonly Buffer[]) => {
  const bytes = Buffer.concat(chunks)
  expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
  return bytes.subarray(4)
}

describe('request frames', () => {
  it('carry size, header and body, and read back', () => {
    const frame = frameOf(
      encodeRequest(
        'Heartbeat',
        4,
        { correlationId: 77, clientId: 'svc' },
        { groupId: 'g', generationId: 3, memberId: 'm' },
      ),
    )
    const head = parseRequestHeader(frame)
    expect(head).toMatchObject({ apiKey: 12, apiVersion: 4, correlationId: 77, clientId: 'svc' })
    expect(head.api).toBe(apis.Heartbeat)
    expect(decodeRequest('Heartbeat', 4, frame, head.bodyOffset)).toEqual({
      groupId: 'g',
      generationId: 3,
      memberId: 'm',
      groupInstanceId: null,
    })
  })

  it('of ApiVersions 3 are the bytes that Kafka clients send', () => {
    const chunks = encodeRequest(
      'ApiVersions',
      3,
      { correlationId: 1, clientId: 'c' },
      { clientSoftwareName: 'kc', clientSoftwareVersion: '1' },
    )
    expect(Buffer.concat(chunks).toString('hex')).toBe(
      '00000012' + '0012' + '0003' + '00000001' + '0001' + '63' + '00' + '03' + '6b63' + '02' + '31' + '00',
    )
  })

  it('of a null client id read back as null', () => {
    const frame = frameOf(encodeRequest('Metadata', 0, { correlationId: 1, clientId: null }, {}))
    expect(parseRequestHeader(frame).clientId).toBeNull()
  })

  it('of an unknown API or version still give up their header', () => {
    const unknownApi = Buffer.from('7fff' + '0000' + '00000009' + '0001' + '78' + 'aa', 'hex')
    expect(parseRequestHeader(unknownApi)).toMatchObject({
      apiKey: 32767,
      correlationId: 9,
      clientId: 'x',
      api: undefined,
    })
    const unknownVersion = Buffer.from('0012' + '0063' + '00000009' + 'ffff' + '00', 'hex')
    expect(parseRequestHeader(unknownVersion)).toMatchObject({ api: apis.ApiVersions, apiVersion: 99, clientId: null })
  })

  it.each(['', '00', '0012', '00120003', '0012000300000001', '0012000300000001ffff'])(
    '%j is too short for a header',
    (hex) => {
      expect(() => parseRequestHeader(Buffer.from(hex, 'hex'))).toThrow(ProtocolError)
    },
  )

  it('that are longer than their message are read without what follows it', () => {
    const frame = frameOf(encodeRequest('ListGroups', 0, { correlationId: 1, clientId: null }, {}))
    const longer = Buffer.concat([frame, Buffer.from([0])])
    expect(decodeRequest('ListGroups', 0, longer, parseRequestHeader(longer).bodyOffset)).toMatchObject({})
  })

  it.each([
    // The flags: create topics; tell what may be done with the cluster (v9 and v10 alone); with each topic.
    ['9', 9, '01' + '00' + '00'],
    ['9, without any flag', 9, '00' + '00' + '00'],
    ['12', 12, '01' + '00'],
  ])(
    'of librdkafka 2.1 and later for all topics, with a null array of four bytes, are understood in version %s',
    (_, version, flags) => {
      const body = Buffer.from(`00000000${flags}00`, 'hex')
      expect(decodeRequest('Metadata', version, body, 0).topics).toBeNull()
    },
  )
})

describe('response frames', () => {
  it('carry size, correlation id and body, and read back', () => {
    const frame = frameOf(
      encodeResponse('FindCoordinator', 4, 78, { coordinators: [{ key: 'g', nodeId: 1, host: 'h', port: 9092 }] }),
    )
    expect(decodeResponse('FindCoordinator', 4, frame)).toMatchObject({
      correlationId: 78,
      body: { coordinators: [{ key: 'g', nodeId: 1, host: 'h', port: 9092, errorMessage: '' }] },
    })
  })

  it('are the same when the body was encoded before', () => {
    for (const version of [8, 9]) {
      const body = { clusterId: 'c', controllerId: 1, topics: [{ name: 't' }] }
      const framed = frameResponse('Metadata', version, 5, encodeResponseBody('Metadata', version, body))
      expect(Buffer.concat(framed)).toEqual(Buffer.concat(encodeResponse('Metadata', version, 5, body)))
    }
  })

  it('of ApiVersions keep the oldest header at every version, so that any client can read them', () => {
    expect(responseHeaderVersion(apis.ApiVersions, 4)).toBe(0)
    expect(requestHeaderVersion(apis.ApiVersions, 4)).toBe(2)
    expect([responseHeaderVersion(apis.Fetch, 11), responseHeaderVersion(apis.Fetch, 12)]).toEqual([0, 1])
  })

  it('hold the record data of a fetch as the very buffers that were given', () => {
    const records = [Buffer.alloc(100_000, 1), Buffer.alloc(50_000, 2)]
    const chunks = encodeResponse('Fetch', 12, 1, {
      responses: [{ topic: 't', partitions: [{ partitionIndex: 0, highWatermark: 2n, records }] }],
    })
    expect(records.every((part) => chunks.includes(part))).toBe(true)
    const { body } = decodeResponse('Fetch', 12, frameOf(chunks))
    expect(body.responses[0]!.partitions[0]!.records).toEqual(Buffer.concat(records))
  })
})

describe('the table of APIs', () => {
  it('finds an API by its key', () => {
    expect(apiByKey(18)).toBe(apis.ApiVersions)
    expect(apiByKey(-1)).toBeUndefined()
  })

  it('advertises Produce from version 0 but does not read it', () => {
    expect(apis.Produce.advertised).toEqual({ min: 0, max: 13 })
    expect(() => decodeRequest('Produce', 2, Buffer.alloc(20), 0)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }),
    )
  })
})
