// Accounts: one Secret each. A new one gets a password; one that the user supplied gets only the values derived from it.
import { clientProperties } from './client-properties.ts'
import { type Draft, derivedAnnotation, generatedAnnotation, updateDerived } from './draft.ts'
import { formedKey } from './plan-identity.ts'

const shortPassword = 16
/** The account of the brokers among themselves. Kafka is given its password when the first controllers format, and never by a Job. */
const interBrokerAccount = 'kafka-broker'
/** The values that are derived from the password, the name and the CA bundle. */
export const derivedAccountKeys = ['username', 'client.properties', 'ca.crt']

/** @param bundle the CAs to trust; not there yet: only problems are found */
export function planAccounts(draft: Draft, bundle: string | undefined): void {
  for (const { name, secret } of draft.spec.accounts) {
    const found = draft.existing.secrets.get(secret)
    if (found === undefined) {
      const formed = draft.existing.configMaps.get(draft.spec.identity.configMap)?.data[formedKey] === 'true'
      if (formed && name === interBrokerAccount) {
        draft.problems.push(
          `Secret ${secret} is gone, and the cluster has been formed with its password: another one would lock out each broker at ` +
            `its next restart. Put it back: every running broker has it in /run/kafka/client.properties. Or choose a new one, and ` +
            `give it to Kafka as well ("Rotation" in docs/guides/security.md)`,
        )
      }
      if (bundle === undefined) continue
      draft.steps.push({
        action: 'create',
        kind: 'Secret',
        name: secret,
        reason: `account ${name}`,
        make: { what: 'account', name, bundle },
        type: 'Opaque',
        annotations: { [generatedAnnotation]: 'true', [derivedAnnotation]: derivedAccountKeys.join(',') },
      })
      continue
    }
    const { username, password } = found.data
    const problem = passwordProblem(password)
    if (problem !== undefined) draft.problems.push(`Secret ${secret} (account ${name}): ${problem}`)
    if (username !== undefined && username !== name) {
      draft.problems.push(
        `Secret ${secret}: username is "${username}", but this is the Secret of account ${name}: set username to "${name}" or leave it out`,
      )
    }
    if (problem !== undefined || bundle === undefined || password === undefined) continue
    if (password.length < shortPassword) {
      draft.warnings.push(`Secret ${secret}: its password is shorter than ${shortPassword} characters`)
    }
    updateDerived(draft, secret, found, {
      username: name,
      'client.properties': clientProperties(draft.spec.bootstrapServers, name, password, bundle),
      'ca.crt': bundle,
    })
  }
}

function passwordProblem(password: string | undefined): string | undefined {
  if (password === undefined) return 'it has no key "password": add one, or delete the Secret to have it generated'
  if (password === '') return 'its password is empty: set one, or delete the Secret to have it generated'
  if (/\r?\n$/.test(password)) {
    return "its password ends in a line feed, which a file made with echo has: make it with printf '%s'"
  }
  if (!/^[\x20-\x7e]+$/.test(password)) {
    return 'its password has characters other than printable ASCII, which not every client reads the same: use ASCII'
  }
  return undefined
}
