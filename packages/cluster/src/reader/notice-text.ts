// Notices of the reader as sentences.
import type { ReadNotice } from '../read-types.ts'

/** One sentence for people: what happened to what they read, or keeps it from being read. */
export function noticeText(notice: ReadNotice): string {
  if (notice.kind === 'recovered') return 'The brokers answer again.'
  const where = `${notice.topic}[${notice.partition}]`
  switch (notice.kind) {
    case 'deleted':
      return `${where}: the records from offset ${notice.from} to ${notice.to} were deleted before they were read.`
    case 'cut':
      return notice.follows
        ? `${where} was cut back to offset ${notice.to}: reading continues from there.`
        : `${where} was cut back to offset ${notice.to}: it has no newer records.`
    case 'restarted':
      return notice.why === 'recreated'
        ? `${notice.topic} was deleted and created again: reading ${where} from its beginning.`
        : `${where} does not have the offset that was to be read next: reading it from its beginning.`
    case 'ended':
      return `${notice.topic} was deleted and created again: ${where} was read up to offset ${notice.at}.`
    case 'trouble':
      return `Cannot read ${where}, trying again: ${notice.message}`
    case 'failed':
      return `${where} was read up to offset ${notice.at} and cannot be read on: ${notice.message}`
    default:
      return notice satisfies never
  }
}
