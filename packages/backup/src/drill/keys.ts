// Which identities open a backup: whether it is still readable when any one of them is lost.
import { readSchemas, readState, type StoredManifest } from '../format/manifests.ts'
import { type BackupStore, sealedSuffix } from '../format/sealing.ts'
import { readSegment } from '../format/segments.ts'
import type { Segment } from '../format/types.ts'
import { counted, type DrillNotes, noteCheck, noteSkipped } from './notes.ts'

/** The store as one identity opens it. */
export interface OneIdentity {
  /** The public key that belongs to it. */
  readonly recipient: string
  readonly store: BackupStore
}

/** Every identity reads everything alone. */
export function keyCheck(identities: readonly OneIdentity[]) {
  return async (notes: DrillNotes, segments: readonly Segment[], { manifest }: StoredManifest): Promise<void> => {
    const sealed = [manifest.state.key, ...segments.map(({ key }) => key)].filter((key) => key.endsWith(sealedSuffix))
    const check = {
      id: 'keys',
      title: 'The loss of any one key loses no backup',
      method: 'Each identity opens the state, the schemas and every segment without the others',
      detail: `${counted(sealed.length, 'encrypted object')}, ${identities.length} identities given`,
    }
    if (sealed.length === 0) {
      noteSkipped(notes, { ...check, detail: 'The backup is not encrypted: there is no key to lose.' })
      return
    }
    // The same key given twice is one.
    const opening = new Set<string>()
    const closed: { subject: string; message: string }[] = []
    for (const { recipient, store } of identities) {
      const problem = await opensAll(store, segments, manifest)
      if (problem === null) opening.add(recipient)
      else closed.push({ subject: recipient, message: `it does not open everything: ${problem}` })
    }
    if (opening.size >= 2) {
      noteCheck(
        notes,
        { ...check, detail: `${sealed.length} encrypted; each of ${[...opening].join(', ')} opens all` },
        [],
      )
      return
    }
    const [only] = opening
    const message =
      only === undefined
        ? `no identity was given that opens it; it is encrypted to ${manifest.recipients.join(', ')}`
        : 'no other identity that was given opens it: when this key is lost, so is the backup'
    noteCheck(notes, check, [...closed, { subject: only ?? 'the backup', message }])
  }
}

/** @returns why not; null when it does */
async function opensAll(
  store: BackupStore,
  segments: readonly Segment[],
  manifest: StoredManifest['manifest'],
): Promise<string | null> {
  try {
    await readState(store, manifest)
    await readSchemas(store, manifest)
    for (const segment of segments) await readSegment(store, segment)
    return null
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    if (code === 'SEALED' || code === 'DAMAGED') return message
    throw error
  }
}
