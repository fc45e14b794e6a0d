import { describe, expect, it } from 'vitest'
import { CliError, reportError, usageError } from './errors.ts'

const withCode = (code: string, message = 'said', more: object = {}): Error =>
  Object.assign(new Error(message), { code, ...more })

describe('what an error tells the shell', () => {
  it('gives usage errors 2, others 1', () => {
    expect(reportError(usageError('x')).exitCode).toBe(2)
    expect(reportError(new CliError('X', 'x')).exitCode).toBe(1)
    expect(reportError(new Error('x'))).toMatchObject({ code: 'UNEXPECTED', exitCode: 1 })
    expect(reportError('a text')).toMatchObject({ message: 'a text', exitCode: 1 })
  })

  it('gives client settings and a folder of passwords that are not there 2', () => {
    expect(reportError(withCode('INVALID_CLIENT_PROPERTIES', 'm', { reason: 'invalid' })).exitCode).toBe(2)
    expect(reportError(withCode('NO_PASSWORDS')).exitCode).toBe(2)
  })

  it('gives a failed connection 4, however deep it lies, and says where the address came from', () => {
    const error = new Error('cannot ask', { cause: new AggregateError([withCode('ECONNREFUSED')]) })
    expect(reportError(error, (party) => ({ address: `${party} from default`, remedy: undefined }))).toMatchObject({
      exitCode: 4,
      message: 'cannot ask (kafka from default)',
      hint: expect.stringContaining('selfmonitor up'),
    })
    expect(reportError(withCode('CANNOT_CONNECT', 'm', { reason: 'cannot-connect' })).exitCode).toBe(4)
    expect(reportError(withCode('REGISTRY_UNREACHABLE')).exitCode).toBe(4)
  })

  it('asks for the address of the one that did not answer, whatever the message names', () => {
    const where = (party: string) => ({ address: `${party} address`, remedy: `start the ${party}` })
    const error = withCode('REGISTRY_UNREACHABLE', 'http://127.0.0.1:9092 does not answer')
    expect(reportError(error, where)).toMatchObject({
      message: 'http://127.0.0.1:9092 does not answer (registry address)',
      hint: 'start the registry',
    })
  })

  it('treats a policy of the cluster as forbidden, not as a failed login', () => {
    expect(reportError(withCode('POLICY_VIOLATION')).exitCode).toBe(1)
    expect(reportError(withCode('TOPIC_AUTHORIZATION_FAILED')).exitCode).toBe(4)
  })

  it('keeps what a TLS error says to set, and says where that is set', () => {
    const error = withCode('TLS_FAILED', 'm', { reason: 'cannot-connect', hint: 'Set security.protocol=SSL.' })
    expect(reportError(error)).toMatchObject({
      exitCode: 4,
      hint: 'Set security.protocol=SSL. --command-config names the file of client settings.',
    })
  })

  it('gives what is not allowed 4', () => {
    expect(reportError(withCode('TOPIC_AUTHORIZATION_FAILED')).exitCode).toBe(4)
    expect(reportError(withCode('SOMETHING', 'm', { reason: 'not-allowed' })).exitCode).toBe(4)
  })

  it('says a hint once, also where the message ends with it', () => {
    const report = reportError(withCode('JAVA_MISSING', 'There is no Java. Install one.', { remedy: 'Install one.' }))
    expect(report).toMatchObject({ message: 'There is no Java.', hint: 'Install one.' })
  })
})
