// Control records: the markers that end a transaction in a partition (KIP-98).
import { ProtocolError } from '../protocol-error.ts'

/** The type of a control record; other types (of the metadata log) never occur in a topic's partitions. */
export type ControlType = 'abort' | 'commit'

const codes = { abort: 0, commit: 1 } as const satisfies Record<ControlType, number>

/**
 * Reads the key of a control record: int16 version, int16 type.
 * @returns undefined for a type that is neither commit nor abort, which readers must ignore
 * @throws ProtocolError TRUNCATED, MALFORMED
 */
export function readControlKey(key: Buffer | null): ControlType | undefined {
  if (key === null || key.length < 4) {
    throw new ProtocolError('TRUNCATED', `control record key of ${key?.length ?? 0} bytes, it has 4`)
  }
  const version = key.readInt16BE(0)
  if (version < 0) throw new ProtocolError('MALFORMED', `control record key of version ${version}`)
  switch (key.readInt16BE(2)) {
    case codes.abort:
      return 'abort'
    case codes.commit:
      return 'commit'
    default:
      return undefined
  }
}
