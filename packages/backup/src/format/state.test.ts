// States that earlier versions wrote stay readable.
import { expect, it } from 'vitest'
import { manifestSchema, stateSchema } from './schemas.ts'

/** As the first version wrote them. */
const oldState = {
  topics: [
    {
      name: 'orders',
      id: '6Yc0YFDVTtCqhpPbNj9bTw',
      partitions: 1,
      replicationFactor: 3,
      config: { 'retention.ms': '-1' },
      timestampType: 'CreateTime',
    },
  ],
  groups: [
    { groupId: 'billing', offsets: [{ topic: 'orders', partition: 0, topicId: '6Yc0YFDVTtCqhpPbNj9bTw', next: '5' }] },
  ],
  groupsAtMs: 1_700_000_000_000,
  problems: [],
}

const oldManifest = {
  format: 'selfmonitor-backup',
  version: 1,
  number: 1,
  tool: 'selfmonitor 0.1.0',
  clusterId: 'c',
  startedAtMs: 1,
  cutAtMs: 2,
  finishedAtMs: 3,
  previous: null,
  topics: [
    {
      name: 'orders',
      id: '6Yc0YFDVTtCqhpPbNj9bTw',
      partitions: [{ partition: 0, start: '0', end: '9', records: '9', gaps: [], leaderEpoch: 0 }],
    },
  ],
  index: [],
  state: { key: 'c/state/1.json.zst', sha256: '0'.repeat(64) },
  recipients: [],
  straddling: [],
}

it('a state without access, and groups without kind and metadata', () => {
  const state = stateSchema.parse(oldState)
  expect(state.access).toBeUndefined()
  expect(state.groups![0]).toEqual({
    groupId: 'billing',
    offsets: [{ topic: 'orders', partition: 0, topicId: '6Yc0YFDVTtCqhpPbNj9bTw', next: 5n }],
  })
})

it('a manifest whose partitions were all read to their ends', () => {
  expect(manifestSchema.parse(oldManifest).topics[0]!.partitions[0]).toEqual({
    ...{ partition: 0, start: 0n, end: 9n, records: 9n, gaps: [], leaderEpoch: 0 },
  })
})
