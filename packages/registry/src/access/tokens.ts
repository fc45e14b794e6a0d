// Bearer tokens: JSON Web Tokens of the issuers that the access file names (RFC 9068, OpenID Connect). jose is loaded with the first
// issuer that is configured.
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import type { Issuer, Policy } from './policy.ts'
import type { Caller } from './rights.ts'

/** Only signatures with a public key: with a shared secret (HS256) the key that the issuer publishes would be one. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** How long an issuer may take to answer, in milliseconds. */
const issuerTimeoutMs = 5_000
/** After a failure its document is asked for again this much later, in milliseconds. */
const retryMs = 5_000

/** The issuer cannot be asked: whether the token is right is not known. */
export class IssuerUnavailableError extends Error {
  readonly code = 'ISSUER_UNAVAILABLE'
}

/** @returns the caller; undefined when the token is not one of ours, has expired, or is not signed by its issuer */
export type TokenCheck = (token: string) => Promise<Caller | undefined>

export async function createTokenCheck({ issuers, grantsOf }: Policy): Promise<TokenCheck> {
  const jose = await import('jose')
  const sources = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, keys: keysOf(jose, issuer) }]))
  return async (token) => {
    try {
      // Not verified yet: it only says whose keys are to be asked.
      const source = sources.get(String(jose.decodeJwt(token).iss))
      if (source === undefined) return undefined
      const { issuer } = source
      const { payload } = await jose.jwtVerify(token, await source.keys(), {
        ...{ issuer: issuer.issuer, audience: issuer.audience, algorithms, requiredClaims: ['exp'] },
        clockTolerance: issuer.clockSkewSeconds,
      })
      const name = claimAt(payload, issuer.nameClaim)
      if (typeof name !== 'string' || name === '') return undefined
      const principal = `User:${name} of ${issuer.issuer}`
      return { principal, grants: grantsOf(rolesOf(payload, issuer)) }
    } catch (error) {
      if (isOfToken(error)) return undefined
      throw error instanceof IssuerUnavailableError
        ? error
        : new IssuerUnavailableError('its keys cannot be read', { cause: error })
    }
  }
}

/** The issuer's keys, which jose asks for again when a token names one that it does not know, and every ten minutes. */
function keysOf(jose: typeof import('jose'), issuer: Issuer): () => Promise<JWTVerifyGetKey> {
  const remote = (url: string) => jose.createRemoteJWKSet(new URL(url), { timeoutDuration: issuerTimeoutMs })
  let known: Promise<JWTVerifyGetKey> | undefined
  let failedAtMs = Number.NEGATIVE_INFINITY
  return async () => {
    if (known === undefined) {
      if (performance.now() - failedAtMs < retryMs) throw new IssuerUnavailableError(`${issuer.issuer} cannot be asked`)
      const asked =
        issuer.jwksUrl === undefined ? discover(issuer.issuer).then(remote) : Promise.resolve(remote(issuer.jwksUrl))
      known = asked
      asked.catch(() => {
        failedAtMs = performance.now()
        known = undefined
      })
    }
    return await known
  }
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig */
async function discover(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(issuerTimeoutMs), redirect: 'error' })
    const { issuer: own, jwks_uri: keys } = (await answer.json()) as Record<string, unknown>
    if (!answer.ok || own !== issuer || typeof keys !== 'string')
      throw new Error(`${url} is not the document of ${issuer}`)
    if (issuer.startsWith('https:') && !keys.startsWith('https:')) throw new Error(`${url} names keys without TLS`)
    return keys
  } catch (error) {
    throw new IssuerUnavailableError(`${issuer} cannot be asked: ${(error as Error).message}`, { cause: error })
  }
}

function rolesOf(payload: JWTPayload, { rolesClaim, roles }: Issuer): string[] {
  const claim = claimAt(payload, rolesClaim)
  const given = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  const named = given.filter((role): role is string => typeof role === 'string')
  return roles === undefined ? named : named.flatMap((role) => (Object.hasOwn(roles, role) ? roles[role]! : []))
}

/** A claim whose own name has dots (`https://example.com/roles`) comes first. */
function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path]
  return path.split('.').reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null && Object.hasOwn(at, key)
      ? (at as Record<string, unknown>)[key]
      : undefined
  }, payload)
}

/** Errors of jose that say something of the token, and not of the way to its issuer. */
function isOfToken(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string') return false
  return (
    /^ERR_(JWT|JWS|JOSE_ALG|JOSE_NOT)/.test(code) ||
    code === 'ERR_JWKS_NO_MATCHING_KEY' ||
    code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS'
  )
}
