// A restore from a backup as it is shown before it begins.
import type { PlannedTopic, RestorePlan } from '@selfmonitor/backup'
import type { AuditEntry } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { count, counted, span, time } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { schemasData, showSchemas } from './restore-schemas.ts'

export const recordsOf = ({ partitions }: PlannedTopic): bigint =>
  partitions.reduce((sum, { records }) => sum + records, 0n)
const droppedOf = ({ partitions }: PlannedTopic): bigint => partitions.reduce((sum, { dropped }) => sum + dropped, 0n)
const olderOf = ({ partitions }: PlannedTopic): bigint => partitions.reduce((sum, { older }) => sum + older, 0n)
const straddlingOf = ({ partitions }: PlannedTopic): bigint =>
  partitions.reduce((sum, { straddling }) => sum + straddling, 0n)

const planColumns: readonly Column<PlannedTopic>[] = [
  { header: 'TOPIC', value: ({ from }) => from },
  { header: 'RESTORED AS', value: ({ to, exists }) => (exists ? `${to} (resumed)` : to) },
  { header: 'PARTITIONS', value: ({ partitions }) => partitions.length },
  { header: 'RECORDS', value: recordsOf },
  { header: 'YOUNGER, LEFT OUT', value: droppedOf },
  { header: 'OLDER, LEFT OUT', value: olderOf },
  { header: 'IN OPEN TRANSACTIONS', value: straddlingOf },
]
/** Shown where one is not 0. */
const rare = new Map<string, (topic: PlannedTopic) => bigint>([
  ['OLDER, LEFT OUT', olderOf],
  ['IN OPEN TRANSACTIONS', straddlingOf],
])

/** The preview, on standard error. */
export function showPlan(context: Context, plan: RestorePlan): void {
  const { source, topics, positions, warnings, missing } = plan
  const colours = context.colours.stderr
  const { number, clusterId, cutAtMs } = source.manifest
  const columns = planColumns.filter(({ header }) => {
    const of = rare.get(header)
    return of === undefined || topics.some((topic) => of(topic) > 0n)
  })
  context.note(`From backup ${number} of cluster ${clusterId}, up to ${time(cutAtMs)}:\n`)
  context.note(renderTable(topics, columns, colours))
  for (const [groupId, own] of Map.groupBy(positions, (position) => position.groupId)) {
    const unread = own.reduce((sum, position) => sum + position.unread, 0n)
    context.note(
      `  group ${groupId}: its place of ${time(source.groupsAtMs)}, with ${counted(unread, 'record')} to read`,
    )
  }
  for (const { to, expired } of topics) {
    if (expired === null) continue
    const limit = span(Number(expired.retentionMs))
    context.note(
      `  ${to}: up to ${count(expired.records)} records are older than its retention of ${limit}; they are kept until --release-retention`,
    )
  }
  showSchemas(context, plan)
  for (const warning of warnings) context.note(colours.careful(`  ${warning}`))
  for (const what of missing) context.note(colours.bad(`  missing: ${what}`))
}

export function planData(plan: RestorePlan): unknown {
  const { source, targetClusterId, topics, positions, warnings, missing } = plan
  return {
    backup: source.manifest.number,
    clusterId: source.manifest.clusterId,
    targetClusterId,
    topics: topics.map((topic) => ({
      from: topic.from,
      to: topic.to,
      records: recordsOf(topic),
      dropped: droppedOf(topic),
      older: olderOf(topic),
      straddling: straddlingOf(topic),
      partitions: topic.partitions.map(({ partition, records, selection }) => ({
        partition,
        records,
        from: selection.from,
        cut: selection.cut,
      })),
    })),
    positions,
    schemas: schemasData(plan),
    warnings,
    missing,
  }
}

/** A restore as the audit trail records it. */
export function entryOf({ source, topics, positions, schemas, missing }: RestorePlan, address: string): AuditEntry {
  const { number, clusterId, cutAtMs } = source.manifest
  return {
    action: 'restore',
    resources: [
      { type: 'backup', name: `${address} ${clusterId} ${number}` },
      ...topics.map(({ to }) => ({ type: 'topic', name: to })),
      ...(schemas?.subjects ?? []).map(({ subject }) => ({ type: 'subject', name: subject })),
      ...[...new Set(positions.map(({ groupId }) => groupId))].map((name) => ({ type: 'group', name })),
    ],
    after: {
      upTo: new Date(cutAtMs).toISOString(),
      topics: topics.map((topic) => ({ from: topic.from, to: topic.to, records: String(recordsOf(topic)) })),
      missing,
    },
  }
}
