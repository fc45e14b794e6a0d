import { describe, expect, it } from 'vitest'
import { kafkaUuid, kafkaUuidProblem, newPassword } from './random.ts'

describe('an id', () => {
  it('is 16 bytes of version 4 in base64url, and Kafka takes it', () => {
    for (let count = 0; count < 1000; count += 1) {
      const id = kafkaUuid()
      expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
      expect(Buffer.from(id, 'base64url')[6]! >> 4).toBe(4)
      expect(kafkaUuidProblem(id)).toBeUndefined()
    }
  })

  it('is drawn again when it would begin with a minus', () => {
    const draws = [Buffer.alloc(16, 0xfb), Buffer.alloc(16, 0x01)]
    expect(Buffer.alloc(16, 0xfb).toString('base64url')).toMatch(/^-/)
    expect(kafkaUuid(() => draws.shift()!)).toMatch(/^AQEB/)
  })

  it.each([
    ['AAAAAAAAAAAAAAAAAAAAAA', /reserves/],
    ['AAAAAAAAAAAAAAAAAAAAAQ', /reserves/],
    ['AAAAAAAAAAAAAAAAAAAAYw', /reserves/],
    ['AAAAAAAAAAAAAAAAAAAAZA', undefined],
    ['too-short', /not a Kafka uuid/],
    ['4L6g3nShT-eMCtK--X86s!', /not a Kafka uuid/],
    // Its last two bits would be lost.
    ['AAAAAAAAAAAAAAAAAAAAZB', /not a Kafka uuid/],
  ])('%s, supplied by somebody: %s', (id, problem) => {
    if (problem === undefined) expect(kafkaUuidProblem(id)).toBeUndefined()
    else expect(kafkaUuidProblem(id)).toMatch(problem)
  })
})

describe('a password', () => {
  it('is 40 letters and digits, a letter first, and never the same', () => {
    const passwords = Array.from({ length: 500 }, newPassword)
    for (const password of passwords) expect(password).toMatch(/^[A-Za-z][A-Za-z0-9]{39}$/)
    expect(new Set(passwords).size).toBe(500)
    // Every character of the alphabet turns up.
    expect(new Set(passwords.join('')).size).toBe(62)
  })
})
