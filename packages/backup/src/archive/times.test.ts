import { expect, it } from 'vitest'
import type { ArchiveFile } from './layout.ts'
import { recordTime } from './times.ts'

const file = { values: { key: 'a.json' }, keys: null, modifiedMs: 0, pathTime: null } as unknown as ArchiveFile
const hour = 3_600_000

it.each([
  ['2024-01-31T13:00:00Z', '2024-01-31T13:00:00Z'],
  ['2024-01-31T13:00:00+01:00', '2024-01-31T12:00:00Z'],
  ['2024-01-31T13:00:00', '2024-01-31T11:00:00Z'],
  ['2024-01-31 13:00:00.250', '2024-01-31T11:00:00.250Z'],
  [1_706_706_000, '2024-01-31T13:00:00Z'],
])(
  'the time %s of a field is %s where the connector is two hours ahead, in whatever zone the machine is',
  (at, instant) => {
    const machine = process.env.TZ
    try {
      for (const zone of ['UTC', 'Asia/Tokyo', 'America/New_York']) {
        process.env.TZ = zone
        const value = { bytes: Buffer.from(JSON.stringify({ at })), schema: null, value: { at } }
        const record = { key: value, value, headers: [] }
        const found = recordTime({ kind: 'field', field: 'at' }, file, record, (wallMs) => wallMs - 2 * hour)
        expect(new Date(found)).toEqual(new Date(instant))
      }
    } finally {
      if (machine === undefined) delete process.env.TZ
      else process.env.TZ = machine
    }
  },
)
