// Answers that are the same for every client until the state that they describe changes. Each is encoded once. Large ones are sent
// one at a time, with a turn of the event loop between them, so that two hundred clients that start together do not block all
// others.
import { setImmediate as turn } from 'node:timers/promises'
import { EncodedResponse } from './handler.ts'

/** Answers of this size or larger wait for their turn. */
const largeBytes = 64 * 1024

export interface SharedAnswers {
  /**
   * @param state what the answer describes: an immutable object, replaced after each change. The answer is kept as long as it is.
   * @param kind distinguishes answers about the same state: version and flags of the request
   */
  answer(state: object, kind: string, encode: () => Buffer[]): Promise<EncodedResponse>
}

export function createSharedAnswers(): SharedAnswers {
  const known = new WeakMap<object, Map<string, EncodedResponse>>()
  let last: Promise<unknown> = Promise.resolve()

  function encoded(state: object, kind: string, encode: () => Buffer[]): EncodedResponse {
    let kinds = known.get(state)
    if (kinds === undefined) {
      kinds = new Map()
      known.set(state, kinds)
    }
    let response = kinds.get(kind)
    if (response === undefined) {
      response = new EncodedResponse(encode())
      kinds.set(kind, response)
    }
    return response
  }

  return {
    async answer(state, kind, encode) {
      const response = encoded(state, kind, encode)
      if (response.body.reduce((sum, chunk) => sum + chunk.length, 0) >= largeBytes) {
        last = last.then(() => turn())
        await last
      }
      return response
    },
  }
}
