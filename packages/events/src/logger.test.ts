import { expect, it } from 'vitest'
import { logLine } from './logger.ts'

const line = (context: object) => logLine('warn', context, 'failed', new Date(0))

it('writes an error with its class, code and stack, its cause too, on one line', () => {
  const error = Object.assign(new TypeError('no\nsuch field', { cause: new RangeError('too far') }), {
    code: 'E_FIELD',
  })
  const written = line({ topic: 'orders', err: error })
  expect(written.indexOf('\n')).toBe(written.length - 1)
  expect(JSON.parse(written)).toEqual({
    level: 'warn',
    time: '1970-01-01T00:00:00.000Z',
    topic: 'orders',
    err: {
      type: 'TypeError',
      message: 'no\nsuch field',
      code: 'E_FIELD',
      stack: expect.stringMatching(
        /^TypeError: no\nsuch field\n +at [\s\S]*logger\.test\.ts[\s\S]*caused by: RangeError: too far\n/,
      ),
    },
    msg: 'failed',
  })
})

it('leaves out what else an error carries', () => {
  const error = Object.assign(new Error('401'), { config: { headers: { authorization: 'Bearer s3cret' } } })
  expect(line({ err: error })).not.toContain('s3cret')
})

it('writes errors that are their own cause', () => {
  const error = new Error('round')
  error.cause = error
  expect(JSON.parse(line({ err: error }))).toMatchObject({ err: { message: 'round' } })
})
