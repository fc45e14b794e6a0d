// Accounts that Kafka keeps itself: SCRAM credentials, listed, set and deleted (KIP-554), and tried.
import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { errorCodes } from '@selfmonitor/protocol/errors'
import { apis } from './apis.ts'
import { groupBy } from './batch.ts'
import { brokerError, ClusterError, invalid, several } from './errors.ts'
import { settle, throwFirst } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import { createTransport, type Transport } from './transport/transport.ts'
import type { Cluster, ClusterOptions, ScramMechanism, ScramUser } from './types.ts'

// The numbers of the mechanisms on the transport, and the hash behind each (KIP-554, RFC 5802).
const mechanisms = {
  'SCRAM-SHA-256': { id: 1, hash: 'sha256', keyBytes: 32 },
  'SCRAM-SHA-512': { id: 2, hash: 'sha512', keyBytes: 64 },
} as const satisfies Record<ScramMechanism, { id: number; hash: string; keyBytes: number }>

const defaultIterations = 8192
// What Kafka's own server accepts: ScramMechanism.minIterations, and the controller's upper limit.
const iterationLimits = { min: 4096, max: 16_384 } as const
const saltBytes = 32

const derive = promisify(pbkdf2)

export const users =
  (transport: Transport): Cluster['users'] =>
  () =>
    transport.operation('users', (deadline) => readUsers(transport, deadline, []))

/** The credentials of the named accounts, of all when none is named. Accounts that do not exist are left out. */
async function readUsers(transport: Transport, deadline: Deadline, names: readonly string[]): Promise<ScramUser[]> {
  return transport.retrying(deadline, async () => {
    const response = await ofAccounts(() =>
      transport.send(
        'any',
        apis.describeUserScramCredentials,
        names.map((name) => ({ name })),
      ),
    )
    if (response.errorCode !== 0) {
      throw brokerError(response.errorCode, 'accounts', response.errorMessage)
    }
    const found: ScramUser[] = []
    for (const { user, errorCode, errorMessage, credentialInfos } of response.results) {
      if (errorCode === errorCodes.RESOURCE_NOT_FOUND) {
        continue
      }
      if (errorCode !== 0) {
        throw brokerError(errorCode, `user ${user}`, errorMessage)
      }
      const credentials = credentialInfos.flatMap(({ mechanism, iterations }) => {
        const name = mechanismNames.find((one) => mechanisms[one].id === mechanism)
        return name === undefined ? [] : [{ mechanism: name, iterations }]
      })
      found.push({ name: user, credentials: credentials.sort((a, b) => (a.mechanism < b.mechanism ? -1 : 1)) })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

const mechanismNames = Object.keys(mechanisms) as ScramMechanism[]

export const setUserPasswords =
  (transport: Transport): Cluster['setUserPasswords'] =>
  (accounts) =>
    transport.operation('setUserPasswords', async (deadline) => {
      if (accounts.length === 0) {
        return
      }
      // The password is never sent to Kafka, which stores keys derived from the salted one (KIP-554). UTF-8 without changes, for
      // Kafka does not normalise it either.
      const upsertions = await Promise.all(
        accounts.map(async ({ name, password, mechanism = 'SCRAM-SHA-512', iterations = defaultIterations }) => {
          requireAccount(name, password)
          const { id, hash, keyBytes } = mechanisms[mechanism]
          if (!Number.isInteger(iterations) || iterations < iterationLimits.min || iterations > iterationLimits.max) {
            throw invalid(
              `user ${name}: iterations must be ${iterationLimits.min} to ${iterationLimits.max}, not ${iterations}`,
              { resource: `user ${name}`, hint: `Leave them out for ${defaultIterations}.` },
            )
          }
          const salt = randomBytes(saltBytes)
          const saltedPassword = await derive(password, salt, iterations, keyBytes, hash)
          return { name, mechanism: id, iterations, salt, saltedPassword }
        }),
      )
      for (const part of onceAUser(upsertions)) {
        const response = await ofAccounts(() =>
          transport.change(
            deadline,
            `setting the password of ${several('user', part, ({ name }) => name)}`,
            'controller',
            apis.alterUserScramCredentials,
            [],
            part,
          ),
        )
        throwFirst(response.results, ({ user }) => `user ${user}`)
      }
      await settle(deadline, async () => {
        const seen = await readUsers(transport, deadline, [...new Set(accounts.map(({ name }) => name))])
        return upsertions.every(({ name, mechanism, iterations }) =>
          seen
            .find((user) => user.name === name)
            ?.credentials.some((one) => mechanisms[one.mechanism].id === mechanism && one.iterations === iterations),
        )
      })
    })

export const deleteUsers =
  (transport: Transport): Cluster['deleteUsers'] =>
  (names) =>
    transport.operation('deleteUsers', async (deadline) => {
      const wanted = [...new Set(names)]
      if (wanted.length === 0) {
        return
      }
      // A deletion names one mechanism, so the existing mechanisms are read first.
      const found = await readUsers(transport, deadline, wanted)
      const missing = wanted.filter((name) => !found.some((user) => user.name === name))
      throwFirst(
        missing.map((name) => ({
          name,
          errorCode: errorCodes.RESOURCE_NOT_FOUND,
          errorMessage: 'there is no such account',
        })),
        ({ name }) => `user ${name}`,
      )
      const deletions = found.flatMap(({ name, credentials }) =>
        credentials.map(({ mechanism }) => ({ name, mechanism: mechanisms[mechanism].id })),
      )
      for (const part of onceAUser(deletions)) {
        const response = await ofAccounts(() =>
          transport.change(
            deadline,
            `deleting ${several('user', part, ({ name }) => name)}`,
            'controller',
            apis.alterUserScramCredentials,
            part,
            [],
          ),
        )
        throwFirst(response.results, ({ user }) => `user ${user}`)
      }
      await settle(deadline, async () => (await readUsers(transport, deadline, wanted)).length === 0)
    })

/** Tries an account with a connection of its own, the one of `options` with another name and password. */
export const authenticates =
  (options: ClusterOptions): Cluster['authenticates'] =>
  async ({ name, password, mechanism = 'SCRAM-SHA-512' }) => {
    if (options.sasl === undefined) {
      throw invalid(`${options.bootstrapServers} is connected without SASL, so a name and a password cannot be tried`, {
        resource: `user ${name}`,
        hint: 'Connect with security.protocol=SASL_SSL (or SASL_PLAINTEXT) and an account.',
      })
    }
    requireAccount(name, password)
    const transport = createTransport({ ...options, sasl: { mechanism, username: name, password } })
    try {
      await transport.operation('authenticates', () => transport.reach())
      return true
    } catch (error) {
      if (error instanceof ClusterError && error.kafkaError?.name === 'SASL_AUTHENTICATION_FAILED') {
        return false
      }
      throw error
    } finally {
      await transport.close()
    }
  }

/** Kafka refuses a request that names a user twice, be it with two mechanisms (DUPLICATE_RESOURCE). */
function onceAUser<T extends { readonly name: string }>(changes: readonly T[]): T[][] {
  const parts: T[][] = []
  for (const sameUser of groupBy(changes, ({ name }) => name).values()) {
    sameUser.forEach((change, i) => {
      parts[i] ??= []
      parts[i].push(change)
    })
  }
  return parts
}

function requireAccount(name: string, password: string): void {
  if (name === '') {
    throw invalid('An account needs a name', { hint: 'Set one; Kafka accepts any text that is not empty.' })
  }
  if (password === '') {
    throw invalid(`user ${name}: the password is empty`, { resource: `user ${name}`, hint: 'Give one.' })
  }
}

/** Says of a cluster that does not know these requests that it has no SCRAM accounts. */
async function ofAccounts<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'UNSUPPORTED_API') {
      throw new ClusterError('UNSUPPORTED_API', `This cluster does not support SCRAM accounts: ${error.message}`, {
        resource: error.resource ?? undefined,
        hint: 'SCRAM accounts need Apache Kafka 3.5 or newer in KRaft mode; the embedded broker has none.',
      })
    }
    throw error
  }
}
