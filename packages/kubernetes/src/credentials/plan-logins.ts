// Logins of this release's own clients at HTTP servers (Schema Registry, Connect, ksqlDB) and of Grafana: one Secret each. A new one gets a password;
// one that the user supplied is checked, and gets the values derived from it.
import { type Draft, derivedAnnotation, generatedAnnotation, type ObjectView, updateDerived } from './draft.ts'

/** The value derived from user and password: `basic.auth.user.info` of Confluent's clients. */
const derivedLoginKeys = ['user-info']
/** In a JAAS property file, in a URL and before the colon of HTTP basic: the same everywhere. */
const usernamePattern = /^[A-Za-z0-9._-]{1,100}$/
/** Without what a properties file, a list of roles, YAML or Spring would read as something else. */
const passwordPattern = /^[!-~]+$/
const special = /["\\,$]/
/** Jetty reads what comes after these as another form of the password. */
const prefixes = /^(OBF|MD5|CRYPT):/

export function planLogins(draft: Draft): void {
  const { spec, existing, steps, problems } = draft
  for (const { username, secret } of spec.logins) {
    const found = existing.secrets.get(secret)
    if (found === undefined) {
      steps.push({
        action: 'create',
        kind: 'Secret',
        name: secret,
        reason: `login of ${username}`,
        make: { what: 'login', username },
        type: 'kubernetes.io/basic-auth',
        annotations: { [generatedAnnotation]: 'true', [derivedAnnotation]: derivedLoginKeys.join(',') },
      })
      continue
    }
    const problem = loginProblem(found)
    if (problem !== undefined) {
      problems.push(`Secret ${secret}: ${problem}`)
      continue
    }
    updateDerived(draft, secret, found, { 'user-info': userInfo(found.data.username!, found.data.password!) })
  }
}

export function userInfo(username: string, password: string): string {
  return `${username}:${password}`
}

function loginProblem({ data: { username, password } }: ObjectView): string | undefined {
  if (username === undefined || !usernamePattern.test(username)) {
    return 'its username is missing, or has other characters than letters, digits, ".", "_" and "-": set one'
  }
  if (password === undefined || password === '') {
    return 'it has no password: set one, or delete the Secret to have it generated'
  }
  if (!passwordPattern.test(password) || special.test(password) || prefixes.test(password)) {
    return (
      'its password has a space, a line break, one of " \\ , $ or a character outside of ASCII, or begins with OBF:, MD5: or ' +
      'CRYPT:, which the servers would read as something else: choose another'
    )
  }
  return undefined
}
