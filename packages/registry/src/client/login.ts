// How a client logs in to a registry (or to another service that runs beside Kafka) and whom it trusts, as environment variables say it:
// the same for a service and for the command line.
import { readFileSync } from 'node:fs'
import type { RegistryClientOptions } from '../types.ts'
import { RegistryError } from './errors.ts'

export type RegistryLogin = Pick<RegistryClientOptions, 'auth' | 'tls'>

type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads `SCHEMA_REGISTRY_USERNAME` and `SCHEMA_REGISTRY_PASSWORD` (HTTP basic), and `SCHEMA_REGISTRY_CA`: certificates to trust
 * instead of the system's, as PEM text or as the path of a file with it. `SCHEMA_REGISTRY_PASSWORD_FILE` names a file that has the
 * password alone.
 * @throws {RegistryError} REGISTRY_OPTIONS naming the variable that is missing or wrong; never with a password in it
 */
export const registryLogin = (env: Env): RegistryLogin => serviceLogin('SCHEMA_REGISTRY', env)

/**
 * The same of another service.
 * @param prefix of the variables: `CONNECT`, `KSQLDB`
 */
export function serviceLogin(prefix: string, env: Env): RegistryLogin {
  const username = env[`${prefix}_USERNAME`] || undefined
  const password = passwordOf(prefix, env)
  if ((username === undefined) !== (password === undefined)) {
    const [missing, given] = username === undefined ? ['USERNAME', 'PASSWORD'] : ['PASSWORD', 'USERNAME']
    throw wrong(`${prefix}_${missing} is missing, but ${prefix}_${given} is set`, 'set both, or neither')
  }
  const ca = env[`${prefix}_CA`] || undefined
  return {
    ...(username !== undefined && password !== undefined && { auth: { username, password } }),
    ...(ca !== undefined && { tls: { ca: certificates(`${prefix}_CA`, ca) } }),
  }
}

function passwordOf(prefix: string, env: Env): string | undefined {
  const given = env[`${prefix}_PASSWORD`] || undefined
  const variable = `${prefix}_PASSWORD_FILE`
  const file = env[variable] || undefined
  if (file === undefined) return given
  if (given !== undefined) throw wrong(`${prefix}_PASSWORD and ${variable} are both set`, 'set one of them')
  let text: string
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw wrong(
      `${variable}: ${JSON.stringify(file)} cannot be read (${reason})`,
      'give the path of a file with the password',
    )
  }
  if (text === '' || /[\r\n]/.test(text)) {
    throw wrong(`${variable}: ${JSON.stringify(file)} has no line, or several`, 'the file has the password alone')
  }
  return text
}

function certificates(variable: string, value: string): string {
  if (value.includes('-----BEGIN CERTIFICATE-----')) return value
  let text: string
  try {
    text = readFileSync(value, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw wrong(`${variable}: ${JSON.stringify(value)} is neither PEM text nor a file that can be read (${reason})`)
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw wrong(`${variable}: ${value} has no certificate in PEM format`)
}

function wrong(
  message: string,
  hint = 'give the certificate of the CA, "-----BEGIN CERTIFICATE-----…", or its path',
): RegistryError {
  return new RegistryError('REGISTRY_OPTIONS', message, { hint })
}
