// A group with what belongs to it outside the state machine.
import type { ClassicGroup, GroupSnapshot } from './classic-group.ts'
import type { GroupOffsets } from './offsets.ts'
import type { GroupError } from './types.ts'

export interface Entry {
  readonly group: ClassicGroup
  readonly offsets: GroupOffsets
  /** As it was last written, or is being written. */
  snapshot: GroupSnapshot | undefined
  /** The last write of the group while it is under way: undefined when it succeeded, else why not. */
  writing: Promise<GroupError | undefined> | undefined
  timer: { readonly dueMs: number; readonly cancel: () => void } | undefined
}
