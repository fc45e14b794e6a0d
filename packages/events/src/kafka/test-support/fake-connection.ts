// A connection of the Kafka client that a test answers for: requests and answers go through the real codec, on no socket.
import type { Connection, Writer } from '@platformatic/kafka'
import { type ApiName, apis, type RequestOf, type ResponseInput } from '@selfmonitor/protocol/api'
import { decode, encode } from '@selfmonitor/protocol/codec'

/**
 * @param name the one API that goes over it
 * @param answer called while the request is sent; what it throws is a connection that breaks
 */
export function fakeConnection<Name extends ApiName>(
  name: Name,
  answer: (request: RequestOf<Name>) => ResponseInput<Name> | Promise<ResponseInput<Name>>,
): Connection {
  const { request: requests, response: responses } = apis[name]
  const send = (
    _key: number,
    version: number,
    payload: () => Writer,
    _parse: unknown,
    _flexibleRequest: boolean,
    _flexibleResponse: boolean,
    done: (error: Error | null, answer?: unknown) => void,
  ): void => {
    const request = decode(requests, version, payload().buffer) as RequestOf<Name>
    const answered = new Promise<ResponseInput<Name>>((resolve) => resolve(answer(request)))
    // As the client decodes it: absent fields have their defaults.
    answered.then(
      (body) => done(null, decode(responses, version, encode(responses, version, body as never))),
      (error: Error) => done(error),
    )
  }
  return { send } as unknown as Connection
}
