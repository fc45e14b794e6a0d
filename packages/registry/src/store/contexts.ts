// Contexts: `:.name:subject` is a subject in the context `.name`, which has ids and settings of its own; everything else
// is in `.`. Settings of a context are kept under `:.name:`, those of `.` under no name at all (null).
// https://docs.confluent.io/platform/current/schema-registry/schema-contexts-cp.html

export const defaultContext = '.'
/** Has settings but no subjects. They apply to a subject if neither it nor its context has its own. */
export const globalContext = '.__GLOBAL'
const globalSettings = `:${globalContext}:`

const qualified = /^:(\.[^:]*):(.*)$/s

export function contextOf(subject: string | null): string {
  return qualified.exec(subject ?? '')?.[1] ?? defaultContext
}

/** The subject without its context; empty for a context itself. */
export function nameOf(subject: string): string {
  return qualified.exec(subject)?.[2] ?? subject
}

/** `:.:subject` is the long form of `subject`. */
export function normalizeSubject(subject: string): string {
  return subject.startsWith(':.:') ? subject.slice(3) : subject
}

/** The full name of a subject that a request inside `context` gives. If it names a context of its own, that one is kept. */
export function qualify(subject: string, context: string): string {
  if (context === defaultContext || qualified.test(subject)) return normalizeSubject(subject)
  return `:${context}:${subject}`
}

/** The name of a context's own settings. */
export function settingsOf(context: string): string | null {
  return context === defaultContext ? null : `:${context}:`
}

/**
 * Where settings of `subject` are looked for, nearest first: its own, those of its context, the global ones.
 * @param subject null and `:.name:` are a context
 */
export function settingScopes(subject: string | null): readonly (string | null)[] {
  return [...new Set([subject, settingsOf(contextOf(subject)), globalSettings])]
}
