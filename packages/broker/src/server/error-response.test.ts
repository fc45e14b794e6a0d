import { type ApiName, apis, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '@selfmonitor/protocol'
import { describe, expect, it } from 'vitest'
import { errorResponse } from './error-response.ts'

const error = { code: 6, message: 'on purpose' }

/** A request of any API with one element in every list, made from its declaration. */
function sample(fields: Record<string, { versions: string; type: unknown }>, version: number): Record<string, unknown> {
  const carried = Object.entries(fields).filter(([, field]) => {
    const [low, high] = field.versions.replace('+', '-99').split('-').map(Number) as [number, number?]
    return version >= low && version <= (high ?? low)
  })
  return Object.fromEntries(
    carried.flatMap(([name, { type }]) => {
      if (typeof type !== 'object' || type === null || !('element' in type)) return []
      const { element } = type as { element: string | { fields: typeof fields } }
      return [
        [name, [typeof element === 'string' ? (element === 'string' ? 'x' : 0) : sample(element.fields, version)]],
      ]
    }),
  )
}

function codesIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(codesIn)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'errorCode' ? [member as number] : codesIn(member),
  )
}

/** Answers without any place for an error. */
const noPlace = new Set(['DescribeLogDirs v1', 'DescribeLogDirs v2'])

describe('error response', () => {
  for (const name of Object.keys(apis) as ApiName[]) {
    const { min, max } = apis[name].versions
    for (let version = min; version <= max; version++) {
      if (noPlace.has(`${name} v${version}`)) continue
      it(`carries the error in the shape of ${name} v${version}`, () => {
        const head = { correlationId: 1, clientId: null }
        const input = sample(apis[name].request.fields as never, version)
        const frame = Buffer.concat(encodeRequest(name, version, head, input as never)).subarray(4)
        const request = decodeRequest(name, version, frame, frame.length - bodyLength(name, version, input))
        const buffers = encodeResponse(name, version, 1, errorResponse(name, version, request, error)!)
        const { body } = decodeResponse(name, version, Buffer.concat(buffers).subarray(4))
        expect(codesIn(body)).toContain(6)
      })
    }
  }

  function bodyLength(name: ApiName, version: number, input: object): number {
    const whole = (clientId: string | null) =>
      Buffer.concat(encodeRequest(name, version, { correlationId: 1, clientId }, input as never)).length
    const header = 4 + 2 + 2 + 4 + 2 + (flexible(name, version) ? 1 : 0)
    return whole(null) - header
  }
  function flexible(name: ApiName, version: number): boolean {
    const range = apis[name].request.flexible
    return range !== 'none' && version >= Number.parseInt(range, 10)
  }

  it.each([1, 2])('is none where the response has no place for it: DescribeLogDirs v%i', (version) => {
    expect(errorResponse('DescribeLogDirs', version, { topics: null }, error)).toBeUndefined()
  })

  it('repeats what a Produce request asked for', () => {
    const request = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 0,
      topicData: [{ name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitionData: [{ index: 3, records: null }] }],
    }
    expect(errorResponse('Produce', 9, request, error)).toEqual({
      responses: [
        {
          name: 'a',
          topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
          partitionResponses: [{ index: 3, baseOffset: -1n, errorCode: 6, errorMessage: 'on purpose' }],
        },
      ],
    })
  })
})
