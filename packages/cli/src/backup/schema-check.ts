// Whether the backup has the schemas of the values that a drill has restored, and whether they decode them.
import type { BackedUpSchemas, DrillNotes, RecordCheck } from '@selfmonitor/backup/drill'
import { decodeFrame, isFrame } from '@selfmonitor/registry/frame'
import type { DecodeValue } from './drill-values.ts'

/** Of each schema and topic the first value is decoded. */
export function schemaCheck(
  schemas: BackedUpSchemas,
  decode: DecodeValue,
  note: Pick<typeof import('@selfmonitor/backup/drill'), 'noteCheck' | 'noteSkipped' | 'counted'>,
): RecordCheck {
  const types = new Map(schemas.versions.map(({ id, schemaType }) => [id, schemaType]))
  const subjects = new Set(schemas.versions.map(({ subject }) => subject))
  const ids = new Set<number>()
  const missing = new Map<number, string>()
  const tried = new Set<string>()
  const undecodable: { subject: string; message: string }[] = []
  return {
    wants: (topic) => topic !== '_schemas',
    onRecord(topic, partition, { offset, value }) {
      if (value === null || !isFrame(value)) return undefined
      const { id } = decodeFrame(value)
      const type = types.get(id)
      const place = `topic ${topic} partition ${partition} offset ${offset} of the target`
      if (type === undefined) {
        // Without a subject for the topic, it may be binary data that begins with a zero.
        if (subjects.has(`${topic}-value`) && !missing.has(id)) missing.set(id, place)
        return undefined
      }
      ids.add(id)
      if (tried.has(`${id} ${topic}`) || !['AVRO', 'JSON'].includes(type)) return undefined
      tried.add(`${id} ${topic}`)
      return decode(value).then(
        () => {},
        (error: Error) => void undecodable.push({ subject: place, message: `schema ${id}: ${error.message}` }),
      )
    },
    async finish(notes: DrillNotes, restored) {
      const sorted = (all: Iterable<number>): number[] => [...all].sort((a, b) => a - b)
      notes.schemas = {
        from: schemas.from,
        inBackup: types.size,
        ids: sorted([...ids, ...missing.keys()]),
        missing: sorted(missing.keys()),
      }
      const check = {
        id: 'schemas',
        title: 'The backup has the schemas of the restored values',
        method: 'Every value with a schema id is looked up in the backup; one of each schema is decoded',
        detail: `${note.counted(types.size, 'schema')} from ${schemas.from ?? 'nowhere'}, ${ids.size} of them used by values`,
      }
      if (schemas.from === null) {
        note.noteSkipped(notes, { ...check, detail: 'The backup has no schemas.' })
      } else if (restored === null) {
        note.noteSkipped(notes, { ...check, detail: 'The records could not be read back.' })
      } else {
        const absent = [...missing].map(([id, place]) => ({
          subject: `schema ${id}`,
          message: `the backup does not have it, and a value names it: ${place}`,
        }))
        note.noteCheck(notes, check, [...absent, ...undecodable])
      }
    },
  }
}
