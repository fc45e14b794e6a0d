// The level of a subject: the topic's, for its values and for each of its event types.
import type { LiveSubject } from '../live/subject.ts'
import type { Change, PlatformTopic } from '../model.ts'

/** @param type the event type whose payload the subject has; undefined: it has the topic's values */
export function compareCompatibility(
  { name: topic, compatibility }: PlatformTopic,
  name: string,
  subject: LiveSubject,
  type?: string,
): Change[] {
  if (compatibility === undefined || compatibility === subject.compatibility) {
    return []
  }
  return [
    {
      action: subject.compatibility === null ? 'create' : 'update',
      kind: 'compatibility',
      name,
      ...(type === undefined ? {} : { event: { topic, type } }),
      details: [{ key: 'compatibility', from: subject.compatibility, to: compatibility }],
      warnings: [],
    },
  ]
}
