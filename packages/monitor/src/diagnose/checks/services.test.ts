import { describe, expect, it } from 'vitest'
import { causeOf } from './services.ts'

describe('the cause in a stack trace', () => {
  it('is the last one; without causes the first line', () => {
    const trace = [
      'org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler',
      '\tat org.apache.kafka.connect.runtime.WorkerTask.run(WorkerTask.java:1)',
      'Caused by: org.apache.kafka.connect.errors.DataException: Converting byte[] failed',
      '\t... 13 more',
      'Caused by: com.fasterxml.jackson.core.JsonParseException: Unrecognized token',
      '\t... 2 more',
    ].join('\n')
    expect(causeOf(trace)).toBe('com.fasterxml.jackson.core.JsonParseException: Unrecognized token')
    expect(causeOf('java.io.IOException: no\n\tat a.b(C.java)')).toBe('java.io.IOException: no')
    expect(causeOf('')).toBe('')
  })
})
