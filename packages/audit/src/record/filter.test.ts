import { expect, it } from 'vitest'
import { changesOf, statusOf } from './filter.ts'
import type { AuditRecord } from './types.ts'

const record = (writer: string, status: string | null): AuditRecord =>
  ({
    data: { change_id: 'c1', chain: { writer }, outcome: status === null ? null : { status } },
  }) as unknown as AuditRecord

it('does not let another writer end or replace a change', () => {
  const changes = changesOf([record('mallory', null), record('ann', null), record('ann', 'refused')])
  expect(changes.map(statusOf)).toEqual(['unfinished', 'refused'])
})
