// Each schema of the file is registered under a name that follows from its topic: no two may get the same.
import type { PlatformProblem, PlatformTopic } from '../model.ts'
import { payloadSubjectOf } from '../payload/subject.ts'

/** Reports event types whose subject is that of keys, of values, or of another topic's event type. */
export function checkSubjects(topics: readonly PlatformTopic[], problems: PlatformProblem[]): void {
  const taken = new Map<string, string>()
  for (const { name } of topics) {
    taken.set(`${name}-key`, `of the keys of ${name}`).set(`${name}-value`, `of the values of ${name}`)
  }
  for (const { name, eventTypes } of topics) {
    for (const [type, { file }] of Object.entries(eventTypes)) {
      const subject = payloadSubjectOf(name, type)
      const owner = taken.get(subject)
      if (owner !== undefined) {
        const message = `'${type}' cannot name an event type of ${name}: ${subject} is the subject ${owner} in the registry; choose another name`
        problems.push({ file, line: 1, column: 1, path: '', message })
      }
      taken.set(subject, `of the event type ${type} of ${name}`)
    }
  }
}
