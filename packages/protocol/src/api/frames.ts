// Whole frames: size, header and body of requests and responses, in both directions.
import { type Encodable, expectEnd, type Message, Reader, read, Writer, write } from '../codec/index.ts'
import { ProtocolError } from '../protocol-error.ts'
import type { Api } from './api.ts'
import { requestHeaderVersion, responseHeaderVersion } from './body.ts'
import { requestHeader, responseHeader } from './headers.ts'
import {
  type ApiName,
  apiByKey,
  apis,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from './table.ts'

export interface RequestHead {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The API of this key; undefined where it is not declared here. */
  readonly api: Api<ApiName> | undefined
  /** Where the body begins. When the API or its version is not known, this is merely where the client id ends. */
  readonly bodyOffset: number
}

/**
 * Reads the header of a request frame (without its size prefix).
 *
 * It never fails because of an unknown API or version, so that a broker can answer those (KIP-511: an ApiVersions request
 * of any version gets an answer). Whether the version is one of `api.versions` is for the caller to see.
 * @throws ProtocolError when the frame is too short or the header malformed
 */
export function parseRequestHeader(frame: Buffer): RequestHead {
  const reader = new Reader(frame)
  const api = frame.length >= 2 ? apiByKey(frame.readInt16BE(0)) : undefined
  const apiVersion = frame.length >= 4 ? frame.readInt16BE(2) : 0
  const supported = api !== undefined && apiVersion >= api.versions.min && apiVersion <= api.versions.max
  const header = read(requestHeader, supported ? requestHeaderVersion(api, apiVersion) : 1, reader)
  return {
    apiKey: header.requestApiKey,
    apiVersion: header.requestApiVersion,
    correlationId: header.correlationId,
    clientId: header.clientId,
    api,
    bodyOffset: reader.position,
  }
}

/**
 * Reads the body of a request whose header was parsed. Bytes and records in it are views of the frame.
 *
 * Bytes after the body are ignored, as in Kafka, because clients rely on it: librdkafka 2.1 and later ask for all topics
 * in Metadata v9 and above with an array length of four bytes instead of one, which leaves three at the end.
 * @throws ProtocolError UNSUPPORTED_VERSION, TRUNCATED, MALFORMED
 */
export function decodeRequest<N extends ApiName>(
  name: N,
  version: number,
  frame: Buffer,
  bodyOffset: number,
): RequestOf<N> {
  return read<Message>(apis[name].request, version, new Reader(frame, bodyOffset)) as RequestOf<N>
}

/**
 * Writes a response as a list of buffers, size prefix first. Large record data is passed through without a copy, so it
 * must not change until the frame is sent.
 * @throws ProtocolError with the field's path
 */
export function encodeResponse<N extends ApiName>(
  name: N,
  version: number,
  correlationId: number,
  body: ResponseInput<N>,
): Buffer[] {
  const api: Api = apis[name]
  return writeFrame((writer) => {
    write(responseHeader, responseHeaderVersion(api, version), writer, { correlationId })
    write(api.response, version, writer, body as Encodable<Message>)
  })
}

/**
 * Writes the body of a response alone, for one that answers many requests: `frameResponse` puts size and header before it.
 * @throws ProtocolError with the field's path
 */
export function encodeResponseBody<N extends ApiName>(name: N, version: number, body: ResponseInput<N>): Buffer[] {
  const api: Api = apis[name]
  const writer = new Writer()
  write(api.response, version, writer, body as Encodable<Message>)
  return writer.finish()
}

/** A whole response of an encoded body, which is passed through without a copy. */
export function frameResponse(
  name: ApiName,
  version: number,
  correlationId: number,
  body: readonly Buffer[],
): Buffer[] {
  const bodySize = body.reduce((sum, chunk) => sum + chunk.length, 0)
  const writer = new Writer(16)
  writer.int32(0)
  write(responseHeader, responseHeaderVersion(apis[name], version), writer, { correlationId })
  const head = Buffer.concat(writer.finish())
  head.writeInt32BE(head.length - 4 + bodySize, 0)
  return [head, ...body]
}

/** Writes a request as a list of buffers, size prefix first. @throws ProtocolError with the field's path */
export function encodeRequest<N extends ApiName>(
  name: N,
  version: number,
  head: { readonly correlationId: number; readonly clientId: string | null },
  body: RequestInput<N>,
): Buffer[] {
  const api: Api = apis[name]
  return writeFrame((writer) => {
    const headerVersion = requestHeaderVersion(api, version)
    write(requestHeader, headerVersion, writer, { requestApiKey: api.key, requestApiVersion: version, ...head })
    write(api.request, version, writer, body as Encodable<Message>)
  })
}

export interface DecodedResponse<N extends ApiName> {
  readonly correlationId: number
  readonly body: ResponseOf<N>
}

/** Reads a response frame (without its size prefix). @throws ProtocolError, TRAILING_BYTES when the frame is longer */
export function decodeResponse<N extends ApiName>(name: N, version: number, frame: Buffer): DecodedResponse<N> {
  const api: Api = apis[name]
  const reader = new Reader(frame)
  const { correlationId } = read(responseHeader, responseHeaderVersion(api, version), reader)
  const body = read(api.response, version, reader)
  expectEnd(reader, `${api.response.name} v${version}`)
  return { correlationId, body: body as ResponseOf<N> }
}

function writeFrame(content: (writer: Writer) => void): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  content(writer)
  const size = writer.size - 4
  if (size > 0x7fffffff)
    throw new ProtocolError('INVALID_VALUE', `frame of ${size} bytes, at most 2147483647 are allowed`)
  const chunks = writer.finish()
  chunks[0]!.writeInt32BE(size, 0)
  return chunks
}
