// APIs in the codec of @selfmonitor/protocol, over the connections of @platformatic/kafka.
import { type Connection, Writer } from '@platformatic/kafka'
import {
  type ApiName,
  apis,
  decodeResponseBody,
  encodeRequestBody,
  type RequestInput,
  type ResponseOf,
  requestHeaderVersion,
  responseHeaderVersion,
} from '@selfmonitor/protocol/api'
import type { ApiVersion } from './transport.ts'

/** One version of an API. Error codes in a response are part of the response; record data in it is a view of the answer. */
export function protocolApi<Name extends ApiName>(
  name: Name,
  version: number,
): ApiVersion<[RequestInput<Name>], ResponseOf<Name>> {
  const api = apis[name]
  const requestIsFlexible = requestHeaderVersion(api, version) === 2
  const responseIsFlexible = responseHeaderVersion(api, version) === 1
  const async = (connection: Connection, request: RequestInput<Name>): Promise<ResponseOf<Name>> =>
    new Promise((resolve, reject) => {
      connection.send<ResponseOf<Name>>(
        api.key,
        version,
        () => {
          const writer = Writer.create()
          for (const chunk of encodeRequestBody(name, version, request)) writer.append(chunk)
          return writer
        },
        (_correlationId, _key, _version, reader) =>
          decodeResponseBody(name, version, reader.buffer.slice(reader.position, reader.length)),
        requestIsFlexible,
        responseIsFlexible,
        (error, response) => (error ? reject(error) : resolve(response!)),
      )
    })
  return { key: api.key, version, async }
}
