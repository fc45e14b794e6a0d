// Bodies of single APIs, for connections that make frames and headers of their own. It loads no table of all
// APIs: a caller imports only the declarations that it needs.
import {
  type Decoded,
  type Encodable,
  expectEnd,
  includes,
  type Message,
  Reader,
  read,
  Writer,
  write,
} from '../codec/index.ts'
import type { Api } from './api.ts'

/** The version of the request header that goes with an API at a version: 2 for flexible versions, else 1. */
export function requestHeaderVersion(api: Api, version: number): 1 | 2 {
  return includes(api.request.flexible, version) ? 2 : 1
}

/** The same for responses. For ApiVersions it is always 0, so that a client can read the answer before it knows the broker's versions. */
export function responseHeaderVersion(api: Api, version: number): 0 | 1 {
  return api.name !== 'ApiVersions' && includes(api.response.flexible, version) ? 1 : 0
}

/** Writes the body of a request as a list of buffers; large record data is passed through. @throws ProtocolError with the field's path */
export function encodeRequestBody<Request extends Message>(
  api: Api<string, Request>,
  version: number,
  body: Encodable<Request>,
): Buffer[] {
  const writer = new Writer()
  write(api.request, version, writer, body)
  return writer.finish()
}

/** Reads the body of a response. @throws ProtocolError TRAILING_BYTES if bytes follow it, and others */
export function decodeResponseBody<Response extends Message>(
  api: Api<string, Message, Response>,
  version: number,
  body: Buffer,
): Decoded<Response> {
  const reader = new Reader(body)
  const decoded = read(api.response, version, reader)
  expectEnd(reader, `${api.response.name} v${version}`)
  return decoded
}
