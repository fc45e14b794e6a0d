import { describe, expect, it } from 'vitest'
import { categoryOf, fromEnvelope, plainFacts } from './seal.ts'

describe('facts before and after', () => {
  it('are plain JSON', () => {
    expect(plainFacts({ offset: 12n, key: Buffer.from('a'), none: undefined })).toEqual({ offset: '12', key: 'YQ==' })
    expect(plainFacts(undefined)).toBeNull()
    expect(plainFacts('\ud800')).toBe('\ufffd')
  })

  it('lose what is named like a secret', () => {
    const given = {
      password: 'a',
      'ssl.keystore.password': 'b',
      deep: [{ accessToken: 'c', privateKey: 'd' }],
      mechanism: 'e',
    }
    expect(JSON.stringify(plainFacts(given))).not.toMatch(/"[abcd]"/)
    expect(plainFacts(given)).toMatchObject({ mechanism: 'e' })
  })

  it('that are too large are replaced by their size and hash', () => {
    expect(plainFacts('x'.repeat(200_000))).toEqual({
      left_out: 'too large',
      bytes: 200_002,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })
})

it('categories are those of Article 12 of the RTS (EU) 2024/1774', () => {
  expect(['acls.create', 'quotas.set', 'topics.delete', 'apply', 'restore', 'dlq.replay'].map(categoryOf)).toEqual([
    ...['access control', 'capacity management', 'change management', 'change management'],
    ...['ICT operations', 'ICT operations'],
  ])
})

it('an event of a service is not a record, and one of ours that is damaged says why', () => {
  const envelope = { event_id: '1', event_type: 'change_intended', user_id: 'User:a', timestamp: 1 }
  expect(fromEnvelope({ ...envelope, event_type: 'record_changed', data: '{}' })).toBeUndefined()
  for (const [data, problem] of [
    ['{', 'not JSON'],
    ['null', 'not an object'],
    ['{"format":1}', 'no hash'],
    ['{"format":2}', 'newer than this version'],
  ]) {
    expect(fromEnvelope({ ...envelope, data: data! })).toEqual({ problem: expect.stringContaining(problem!) })
  }
})
