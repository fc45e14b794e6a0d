// Contexts: `:.name:subject` is a subject in the context `.name`, with ids of its own; everything else is in `.`.
// https://docs.confluent.io/platform/current/schema-registry/schema-contexts-cp.html

export const defaultContext = '.'

export function contextOf(subject: string): string {
  return /^:(\.[^:]*):/.exec(subject)?.[1] ?? defaultContext
}

/** `:.:subject` is the long form of `subject`. */
export function normalizeSubject(subject: string): string {
  return subject.startsWith(':.:') ? subject.slice(3) : subject
}
