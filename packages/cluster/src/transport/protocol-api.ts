// APIs in the codec of @selfmonitor/protocol, over the connections of @platformatic/kafka.
import { type Connection, Writer } from '@platformatic/kafka'
import {
  decodeResponseBody,
  encodeRequestBody,
  requestHeaderVersion,
  responseHeaderVersion,
} from '@selfmonitor/protocol/api/body'
import type { Api } from '@selfmonitor/protocol/api/declaration'
import type { Decoded, Encodable, Message } from '@selfmonitor/protocol/codec'
import type { ApiVersion } from './transport.ts'

/** One version of an API. Error codes in a response are part of the response; record data in it is a view of the answer. */
export function protocolApi<Request extends Message, Response extends Message>(
  api: Api<string, Request, Response>,
  version: number,
): ApiVersion<[Encodable<Request>], Decoded<Response>> {
  const requestIsFlexible = requestHeaderVersion(api, version) === 2
  const responseIsFlexible = responseHeaderVersion(api, version) === 1
  const async = (connection: Connection, request: Encodable<Request>): Promise<Decoded<Response>> =>
    new Promise((resolve, reject) => {
      connection.send<Decoded<Response>>(
        api.key,
        version,
        () => {
          const writer = Writer.create()
          for (const chunk of encodeRequestBody(api, version, request)) writer.append(chunk)
          return writer
        },
        (_correlationId, _key, _version, reader) =>
          decodeResponseBody(api, version, reader.buffer.slice(reader.position, reader.length)),
        requestIsFlexible,
        responseIsFlexible,
        (error, response) => (error ? reject(error) : resolve(response!)),
      )
    })
  return { key: api.key, version, async }
}
