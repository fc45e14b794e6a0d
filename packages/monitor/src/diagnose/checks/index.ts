// The table of checks: every verdict that a diagnosis can give, by its code.
import type { Check } from '../types.ts'
import { brokerChecks } from './brokers.ts'
import { groupChecks } from './groups.ts'
import { partitionChecks } from './partitions.ts'
import { serviceChecks } from './services.ts'
import { snapshotChecks } from './snapshot.ts'
import { storageChecks } from './storage.ts'
import { topicChecks } from './topics.ts'

export const checks = {
  ...snapshotChecks,
  ...brokerChecks,
  ...partitionChecks,
  ...storageChecks,
  ...topicChecks,
  ...groupChecks,
  ...serviceChecks,
} as const satisfies Readonly<Record<string, Check>>

export type CheckCode = keyof typeof checks
