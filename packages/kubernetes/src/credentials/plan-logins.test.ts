import { describe, expect, it } from 'vitest'
import { kafkaUuid } from '../random.ts'
import { exampleSpec } from '../test-support/contract.ts'
import { derivedAnnotation, type ObjectView } from './draft.ts'
import { planCredentials } from './plan.ts'

const spec = exampleSpec({ logins: [{ username: 'selfmonitor', secret: 'kafka-connect-login' }] })
const plan = (data?: Record<string, string>, annotations: Record<string, string> = {}) => {
  const found: ObjectView = { data: data ?? {}, annotations, resourceVersion: '3' }
  const existing = { secrets: new Map(data ? [['kafka-connect-login', found]] : []), configMaps: new Map() }
  return planCredentials(spec, existing, new Date()).steps.filter(({ name }) => name === 'kafka-connect-login')
}

describe('the login of an HTTP server', () => {
  it('is made once', () => {
    expect(plan()).toEqual([
      expect.objectContaining({
        ...{ action: 'create', kind: 'Secret', type: 'kubernetes.io/basic-auth', reason: 'login of selfmonitor' },
        make: { what: 'login', username: 'selfmonitor' },
      }),
    ])
  })

  it('is kept when the user supplied it, also with another user name, and gets the derived values', () => {
    const supplied = { username: 'platform', password: 'a:b!c' }
    expect(plan(supplied)).toEqual([
      expect.objectContaining({ action: 'update', make: { what: 'texts', data: { 'user-info': 'platform:a:b!c' } } }),
    ])
    expect(plan({ ...supplied, 'user-info': 'platform:a:b!c' }, { [derivedAnnotation]: 'user-info' })).toEqual([])
  })

  it('is written anew when its password was changed', () => {
    const changed = { username: 'selfmonitor', password: 'new', 'user-info': 'selfmonitor:old' }
    expect(plan(changed, { [derivedAnnotation]: 'user-info' })).toMatchObject([
      { make: { data: { 'user-info': 'selfmonitor:new' } }, resourceVersion: '3' },
    ])
  })

  it.each([
    [{ password: 'a' }, 'its username is missing'],
    [{ username: 'a:b', password: 'a' }, 'its username is missing, or has other characters'],
    [{ username: 'a' }, 'it has no password'],
    [{ username: 'a', password: 'with space' }, 'its password has a space'],
    [{ username: 'a', password: 'a,admin' }, 'its password has'],
    [{ username: 'a', password: 'a"b' }, 'its password has'],
    [{ username: 'a', password: 'OBF:1v2j' }, 'its password has'],
    [{ username: 'a', password: `${kafkaUuid()}\n` }, 'its password has'],
  ])('is refused when a server would read it as something else: %j', (data, problem) => {
    expect(() => plan(data)).toThrow(`Secret kafka-connect-login: ${problem}`)
  })
})
