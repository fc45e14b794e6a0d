// How a client logs in to a registry and whom it trusts, as environment variables say it: the same for a service and for the
// command line.
import { readFileSync } from 'node:fs'
import type { RegistryClientOptions } from '../types.ts'
import { RegistryError } from './errors.ts'

export type RegistryLogin = Pick<RegistryClientOptions, 'auth' | 'tls'>

/**
 * Reads `SCHEMA_REGISTRY_USERNAME` and `SCHEMA_REGISTRY_PASSWORD` (HTTP basic), and `SCHEMA_REGISTRY_CA`: certificates to trust
 * instead of the system's, as PEM text or as the path of a file with it.
 * @throws {RegistryError} REGISTRY_OPTIONS naming the variable that is missing or wrong; never with a password in it
 */
export function registryLogin(env: Readonly<Record<string, string | undefined>>): RegistryLogin {
  const username = env.SCHEMA_REGISTRY_USERNAME || undefined
  const password = env.SCHEMA_REGISTRY_PASSWORD || undefined
  if ((username === undefined) !== (password === undefined)) {
    const [missing, given] =
      username === undefined
        ? ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD']
        : ['SCHEMA_REGISTRY_PASSWORD', 'SCHEMA_REGISTRY_USERNAME']
    throw wrong(`${missing} is missing, but ${given} is set`, 'set both, or neither')
  }
  const ca = env.SCHEMA_REGISTRY_CA || undefined
  return {
    ...(username !== undefined && password !== undefined && { auth: { username, password } }),
    ...(ca !== undefined && { tls: { ca: certificates(ca) } }),
  }
}

function certificates(value: string): string {
  if (value.includes('-----BEGIN CERTIFICATE-----')) return value
  let text: string
  try {
    text = readFileSync(value, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code
    throw wrong(
      `SCHEMA_REGISTRY_CA: ${JSON.stringify(value)} is neither PEM text nor a file that can be read (${reason})`,
    )
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw wrong(`SCHEMA_REGISTRY_CA: ${value} has no certificate in PEM format`)
}

function wrong(
  message: string,
  hint = 'give the certificate of the CA, "-----BEGIN CERTIFICATE-----…", or its path',
): RegistryError {
  return new RegistryError('REGISTRY_OPTIONS', message, { hint })
}
