import { describe, expect, it } from 'vitest'
import { shortAddresses } from './format.ts'

describe('the addresses of brokers', () => {
  it('name the host once where it is the same', () => {
    expect(shortAddresses('127.0.0.1:9092,127.0.0.1:9093')).toBe('127.0.0.1:9092,9093')
    expect(shortAddresses('a:9092,b:9092')).toBe('a:9092,b:9092')
  })

  it('of many brokers are the first alone', () => {
    const many = Array.from({ length: 100 }, (_, index) => `127.0.0.1:${9092 + index}`)
    expect(shortAddresses(many.join(','))).toBe('127.0.0.1:9092 …')
  })
})
