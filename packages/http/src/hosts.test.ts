import { describe, expect, it } from 'vitest'
import { HostPatternError, hostName, hostPolicy, isLoopback } from './hosts.ts'

describe('a server on loopback', () => {
  const answersTo = hostPolicy('127.0.0.1')

  it('answers to the names of this machine that only it can use', () => {
    for (const name of ['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]', '[::ffff:7f00:1]']) {
      expect(answersTo(name), name).toBe(true)
    }
  })

  it('answers to the name that a container has for this machine', () => {
    for (const name of ['host.docker.internal', 'host.containers.internal']) expect(answersTo(name), name).toBe(true)
    expect(answersTo('evil.docker.internal')).toBe(false)
  })

  it('answers to no other name or address', () => {
    for (const name of ['evil.example', '0.0.0.0', '10.0.0.1', 'localhost.evil.example', 'registry', '[::]']) {
      expect(answersTo(name), name).toBe(false)
    }
  })

  it('answers to the names that are allowed, too', () => {
    const allowing = hostPolicy('localhost', ['registry', 'Kafka.Test', '.dev.example'])
    for (const name of ['registry', 'kafka.test', 'a.dev.example', 'a.b.dev.example', 'localhost']) {
      expect(allowing(name), name).toBe(true)
    }
    for (const name of ['dev.example', 'xdev.example', 'registry.evil.example'])
      expect(allowing(name), name).toBe(false)
  })
})

describe('a server that others can reach', () => {
  it('answers to addresses and to names without a dot, which no page of the web can have', () => {
    const answersTo = hostPolicy('0.0.0.0')
    for (const name of ['schema-registry', '10.1.2.3', '[fd00::1]', 'localhost'])
      expect(answersTo(name), name).toBe(true)
    expect(answersTo('schema-registry.kafka.svc')).toBe(false)
  })

  it('answers to the names that are allowed, or to all', () => {
    expect(hostPolicy('0.0.0.0', ['schema-registry.kafka.svc'])('schema-registry.kafka.svc')).toBe(true)
    expect(hostPolicy('::', ['*'])('anything.example')).toBe(true)
  })
})

describe('allowed hosts', () => {
  it('are names, not addresses of servers', () => {
    for (const pattern of ['http://a.example', 'a.example:8081', '', '*.example', 'a b']) {
      expect(() => hostPolicy('127.0.0.1', [pattern]), pattern).toThrow(HostPatternError)
    }
    expect(() => hostPolicy('127.0.0.1', ['a.example:8081'])).toThrow(/without a scheme and a port/)
  })

  it('may be addresses', () => {
    expect(hostPolicy('127.0.0.1', ['[fd00::1]', '10.0.0.1'])('[fd00::1]')).toBe(true)
    expect(hostPolicy('127.0.0.1', ['10.0.0.1'])('10.0.0.1')).toBe(true)
  })
})

describe('the name in a Host header', () => {
  it('is read as in a URL', () => {
    expect(hostName('LocalHost:8081')).toBe('localhost')
    expect(hostName('localhost.')).toBe('localhost')
    expect(hostName('[::1]:8081')).toBe('[::1]')
    expect(hostName('2130706433')).toBe('127.0.0.1')
  })

  it('is missing where the header is something else', () => {
    for (const header of ['', 'a b', 'a/b', 'user@localhost', 'a:port', '[::1', 'a\\b', '#']) {
      expect(hostName(header), header).toBeUndefined()
    }
  })
})

it('a server on a name of loopback is on loopback', () => {
  expect(['localhost', '127.0.0.2', '::1', '[::1]'].map(isLoopback)).toEqual([true, true, true, true])
  expect(['0.0.0.0', '::', 'example.com', '128.0.0.1'].map(isLoopback)).toEqual([false, false, false, false])
})
