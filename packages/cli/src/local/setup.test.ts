import { ClusterError } from '@selfmonitor/cluster'
import type { ApplyResult, Change } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { applyFailed } from './setup.ts'

const change: Change = { action: 'create', kind: 'user', name: 'shop', details: [], warnings: [] }
const failed = (error: Error): ApplyResult => ({ applied: [change], failed: { change, error }, notApplied: [change] })

describe('an apply that failed', () => {
  it('says what failed, why, and how far it came', () => {
    expect(applyFailed(failed(new Error('no room')))).toMatchObject({
      message: 'user shop failed: no room',
      hint: '1 change done, 1 not. Apply again to continue.',
    })
  })

  it('has exit code 4 when another attempt may succeed: the broker was lost, or rejected the account', () => {
    const code = (name: string) => applyFailed(failed(new ClusterError(name, 'x'))).exitCode
    expect(code('CONNECTION_CLOSED')).toBe(4)
    expect(code('CLUSTER_AUTHORIZATION_FAILED')).toBe(4)
    expect(code('INVALID_CONFIG')).toBe(1)
  })
})
