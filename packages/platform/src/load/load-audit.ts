// Reads and checks what a platform file says about the audit trail of its cluster. Commands that change something ask here; mistakes
// elsewhere in the file do not keep them from it.
import { invalidPlatform } from '../errors.ts'
import type { AuditPlan, Platform, PlatformProblem } from '../model.ts'
import { type Environment, get, problemAt, type Tree } from './document.ts'
import { defaultEnvironment, emptyFile, readFiles } from './read-files.ts'

const topicName = /^[a-zA-Z0-9._-]{1,249}$/
const howTo = 'write { topic: <name> }, or { none: <reason> } to work without a trail'

/** An environment that says something about the trail says all of it. */
export function auditOf(root: Tree, chosen: Tree | undefined, problems: PlatformProblem[]): Pick<Platform, 'audit'> {
  const given = get(chosen, 'audit') ?? get(root, 'audit')
  if (given === undefined) return {}
  const refuse = (at: Tree, message: string): Pick<Platform, 'audit'> => {
    problems.push(problemAt(at.at, message))
    return {}
  }
  if (given.kind !== 'map') return refuse(given, `must be a map: ${howTo}`)
  const [topic, none] = [get(given, 'topic'), get(given, 'none')]
  if (topic !== undefined && none !== undefined) return refuse(given, `has topic and none: ${howTo}`)
  const said = topic ?? none
  if (said === undefined) return refuse(given, `says nothing: ${howTo}`)
  if (said.kind !== 'scalar' || typeof said.value !== 'string' || said.unset.length > 0) {
    return refuse(said, topic === undefined ? 'must be the reason for working without a trail' : 'must be a topic')
  }
  const text = said.value.trim()
  if (topic === undefined) {
    return text === '' ? refuse(said, 'must be the reason for working without a trail') : { audit: { none: text } }
  }
  return topicName.test(text) ? { audit: { topic: text } } : refuse(said, `'${text}' is not a valid topic name`)
}

/**
 * What a platform file says about the audit trail.
 * @param options environment: default `development`; env: where `${NAME}` is looked up, default `process.env`
 * @returns undefined when the file says nothing
 * @throws PlatformError INVALID_PLATFORM for a mistake in what it says about the trail, and when the file cannot be read or parsed: it may
 *   say something
 */
export async function readAuditPlan(
  file: string,
  options: { readonly environment?: string; readonly env?: Environment } = {},
): Promise<AuditPlan | undefined> {
  const environment = options.environment ?? defaultEnvironment
  // Mistakes elsewhere in the file are for `selfmonitor validate` to tell.
  const unread: PlatformProblem[] = []
  const files = await readFiles(file, options.env ?? process.env, environment, unread, () => [])
  const root = files[0]?.tree
  if (root === undefined) {
    if (unread.every(({ message }) => message === emptyFile)) return undefined
    throw invalidPlatform(unread)
  }
  const problems: PlatformProblem[] = []
  const { audit } = auditOf(root, get(root, 'environments', environment), problems)
  if (problems.length > 0) throw invalidPlatform(problems)
  return audit
}
